# The account that makes releases. It manages the resources of infra/, so it can do more than a release needs:
# - deploy any code as the account of any service;
# - read and change all documents, directly or by such code;
# - read every secret, and let others read it;
# - read and delete the backups of users, and let others do so;
# - let others publish to topics, and read images, archives and Terraform's state;
# - grant the roles in `grantable` to any account, for all databases and buckets: IAM can limit which roles an
#   account grants, but not the member or the condition;
# - call the cleanup, as the account of its trigger.
#
# It cannot grant other roles of the project, create accounts, or run code as other accounts. It cannot change
# the callers of a service: the developer roles of Cloud Run and Cloud Functions can read that policy, but not set
# it. So the cleanup stays private. A person with the permissions applies these changes with ./scripts/deploy: a
# new service, bucket or account, a new role, another source of releases.
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
    "roles/iam.serviceAccountViewer", # not serviceAccountAdmin, which could let the deployer act as any account
    "roles/iam.workloadIdentityPoolViewer",
    "roles/logging.configWriter",
    "roles/logging.logWriter",
    "roles/monitoring.admin",
    "roles/pubsub.admin",
    "roles/run.developer",
    "roles/secretmanager.admin", # manages readers, so it can also read the values
    "roles/serviceusage.serviceUsageAdmin",
  ])

  # The roles on the whole project that services and builds have.
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

# Each change of the condition, even of its title, replaces the grant. While it is missing, the deployer can
# grant nothing, so a person with the permissions has to apply the change.
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

# The buckets of the archives and the traffic split, of Terraform's state, and of the backups of users.
resource "google_storage_bucket_iam_member" "deployer" {
  for_each = var.buckets

  bucket = each.value
  role   = "roles/storage.admin" # includes the bucket's IAM policy, which Terraform manages
  member = google_service_account.deployer.member
}

# Deploying a revision requires this role on the account that the revision runs as.
resource "google_service_account_iam_member" "deployer_runs_as" {
  for_each = var.accounts

  service_account_id = each.value
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.deployer.member
}

# A release checks the readiness of the cleanup, and only the trigger's account may call it. gcloud impersonates
# that account for the request. This needs an access token, so a role for identity tokens alone is not enough.
resource "google_service_account_iam_member" "trigger_impersonation" {
  for_each = merge(
    { deployer = google_service_account.deployer.member },
    { for operator in var.operators : operator => operator },
  )

  service_account_id = var.accounts["trigger"]
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.value
}

# Delete the moved blocks after every environment has been deployed with them.
moved {
  from = google_service_account_iam_member.asks_the_cleanup
  to   = google_service_account_iam_member.trigger_impersonation
}
