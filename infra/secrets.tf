# Secrets without their values: ./scripts/secrets sets these, and Terraform never reads them. Services get
# references and fetch the values at run time, so a new value needs no deployment.

locals {
  # By the group of settings that reads them.
  secrets = {
    callers   = ["API_KEYS"]
    limits    = ["WEB_AUTH_KEY"]
    model     = ["OPENAI_API_KEY"]
    purchases = ["APPLE_PRIVATE_KEY", "APPLE_SHARED_SECRET", "REVENUECAT_API_KEY"]
  }
  all_secrets = toset(flatten(values(local.secrets)))
  secret_ids  = { for variable in local.all_secrets : variable => lower(replace(variable, "_", "-")) }

  # `var.secrets` leaves out secrets without a value: with a reference to one, a service does not become ready.
  secrets_of = {
    for name, service in local.services : name => setintersection(
      flatten([for group in service.settings : lookup(local.secrets, group, [])]),
      coalesce(var.secrets, local.all_secrets),
    )
  }

  secret_readers = {
    for pair in flatten([
      for service, variables in local.secrets_of : [
        for variable in variables : { service = service, variable = variable }
      ]
    ]) : "${pair.service}/${pair.variable}" => pair
  }
}

resource "google_secret_manager_secret" "this" {
  for_each = local.secret_ids

  secret_id           = each.value
  deletion_protection = true # prevent_destroy ends with the resource block; this flag stays

  replication {
    auto {}
  }

  depends_on = [google_project_service.apis]

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_secret_manager_secret_iam_member" "readers" {
  for_each = local.secret_readers

  secret_id = google_secret_manager_secret.this[each.value.variable].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.services[each.value.service].member
}
