# Lets a workflow of the repository start a build. GitHub's identity token for the workflow replaces a key.
# https://cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines

resource "google_iam_workload_identity_pool" "repository" {
  count = var.repository == null ? 0 : 1

  workload_identity_pool_id = "repository"
  display_name              = "Workflows of the repository"
}

resource "google_iam_workload_identity_pool_provider" "repository" {
  count = var.repository == null ? 0 : 1

  workload_identity_pool_id          = google_iam_workload_identity_pool.repository[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  display_name                       = "GitHub"

  attribute_mapping = {
    "google.subject"          = "assertion.sub"
    "attribute.repository_id" = "assertion.repository_id"
  }
  # Without a condition every repository on GitHub would be accepted. Another owner can register a name again,
  # but not a number. Only one workflow is accepted, in its version on main.
  # https://docs.github.com/en/actions/reference/security/oidc
  attribute_condition = join(" && ", [
    "assertion.repository_id == '${var.repository.id}'",
    "assertion.ref == 'refs/heads/main'",
    "assertion.workflow_ref == '${var.repository.name}/${var.repository.workflow}@refs/heads/main'",
  ])

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

# Workflows act as this account, which may only start builds. A build runs as the deployer.
resource "google_service_account" "starter" {
  count = var.repository == null ? 0 : 1

  account_id   = "liftlog-starter"
  display_name = "Starts releases"
}

resource "google_service_account_iam_member" "workflows" {
  count = var.repository == null ? 0 : 1

  service_account_id = google_service_account.starter[0].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/projects/${var.project_number}/locations/global/workloadIdentityPools/${google_iam_workload_identity_pool.repository[0].workload_identity_pool_id}/attribute.repository_id/${var.repository.id}"
}

resource "google_project_iam_member" "starter" {
  count = var.repository == null ? 0 : 1

  project = var.project
  role    = "roles/cloudbuild.builds.editor"
  member  = google_service_account.starter[0].member
}

resource "google_service_account_iam_member" "starter_runs_as" {
  count = var.repository == null ? 0 : 1

  service_account_id = google_service_account.deployer.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.starter[0].member
}
