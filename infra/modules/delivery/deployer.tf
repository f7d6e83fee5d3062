# The account that releases. It can do more than a release needs, since it manages what is described here:
# - deploy any code as the account of any service, and by that, or by itself, read and change all documents;
# - read every secret, and let others read it;
# - let others publish to topics, read images, archives and Terraform's state;
# - grant the roles in `grantable` to any account, for all databases and buckets: IAM can limit which roles an
#   account grants, but not to whom, nor on which condition;
# - call the cleanup, as the account of its trigger.
#
# It cannot grant other roles of the project, make accounts, run code as other accounts, or change who may call a
# service: the developer roles of Cloud Run and Cloud Functions read that policy and cannot set it, so the cleanup
# stays private. A person with the rights applies such changes (a service or an account more, a role more, who may
# start releases), with ./scripts/deploy.
# https://cloud.google.com/run/docs/reference/iam/roles, https://cloud.google.com/functions/docs/reference/iam/roles

locals {
  roles = toset([
    "roles/artifactregistry.admin",
    "roles/cloudbuild.builds.editor",
    "roles/cloudfunctions.developer",
    "roles/cloudscheduler.admin",
    "roles/compute.loadBalancerAdmin",
    "roles/compute.securityAdmin",
    "roles/datastore.owner",          # fields, backups and the database itself
    "roles/iam.serviceAccountViewer", # an administrator could make itself anybody, other people's accounts included
    "roles/iam.workloadIdentityPoolViewer",
    "roles/logging.configWriter",
    "roles/logging.logWriter",
    "roles/monitoring.admin",
    "roles/pubsub.admin",
    "roles/run.developer",
    "roles/secretmanager.admin", # who may say who reads may read
    "roles/serviceusage.serviceUsageAdmin",
  ])

  # The roles of the whole project that services and builds have.
  grantable = [
    "roles/datastore.user",
    "roles/logging.logWriter",
    "roles/storage.objectViewer",
    "roles/telemetry.metricsWriter",
    "roles/telemetry.tracesWriter",
  ]
}

resource "google_service_account" "deployer" {
  account_id   = "liftlog-deployer"
  display_name = "Releases LiftLog"
}

resource "google_project_iam_member" "deployer" {
  for_each = local.roles

  project = var.project
  role    = each.key
  member  = google_service_account.deployer.member
}

# https://cloud.google.com/iam/docs/setting-limits-on-granting-roles
resource "google_project_iam_member" "deployer_grants" {
  project = var.project
  role    = "roles/resourcemanager.projectIamAdmin"
  member  = google_service_account.deployer.member

  condition {
    title       = "only the roles of services"
    expression  = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([${join(", ", [for role in local.grantable : "'${role}'"])}])"
    description = "The roles that services and builds of this product have"
  }
}

# Archives and the shares of the traffic lie in one bucket, what Terraform remembers in the other.
resource "google_storage_bucket_iam_member" "deployer" {
  for_each = var.buckets

  bucket = each.value
  role   = "roles/storage.admin" # to see, and to set, who has access to it
  member = google_service_account.deployer.member
}

# Whoever gives a service a new revision lets it run as the service's account.
resource "google_service_account_iam_member" "deployer_runs_as" {
  for_each = var.accounts

  service_account_id = each.value
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.deployer.member
}

# A release asks the cleanup whether it is ready, and nobody but the trigger's account is let in there. gcloud
# becomes that account for a moment, which takes more than the right to an identity token.
resource "google_service_account_iam_member" "asks_the_cleanup" {
  for_each = merge(
    { deployer = google_service_account.deployer.member },
    { for operator in var.operators : operator => operator },
  )

  service_account_id = var.accounts["trigger"]
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.value
}
