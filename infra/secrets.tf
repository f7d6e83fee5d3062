# Secrets, without their values: these come from ./scripts/secrets and are never seen by Terraform.
# The code is given references and fetches them, so that a new value needs no deployment.

locals {
  secrets_of_subscribers = [
    "APPLE_PRIVATE_KEY",
    "APPLE_SHARED_SECRET",
    "OPENAI_API_KEY",
    "REVENUECAT_API_KEY",
    "WEB_AUTH_KEY",
  ]
  secrets_of = {
    ai   = local.secrets_of_subscribers
    chat = local.secrets_of_subscribers
  }

  all_secrets = toset(flatten(values(local.secrets_of)))
  secret_ids  = { for variable in local.all_secrets : variable => lower(replace(variable, "_", "-")) }
  references  = { for variable, id in local.secret_ids : variable => "sm://${id}" }

  readers = {
    for pair in flatten([
      for service, variables in local.secrets_of : [
        for variable in variables : { service = service, variable = variable } if contains(var.secrets, variable)
      ]
    ]) : "${pair.service}/${pair.variable}" => pair
  }
}

resource "google_secret_manager_secret" "this" {
  for_each = local.secret_ids

  secret_id           = each.value
  deletion_protection = true # also of one that is described here no longer

  replication {
    auto {}
  }

  depends_on = [google_project_service.apis]

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_secret_manager_secret_iam_member" "readers" {
  for_each = local.readers

  secret_id = google_secret_manager_secret.this[each.value.variable].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.services[each.value.service].member
}
