# Each push to main starts a release.

resource "google_cloudbuild_trigger" "release" {
  count = var.repository == null ? 0 : 1

  name            = "release"
  description     = "Releases main to ${var.environment}"
  location        = var.region
  service_account = google_service_account.deployer.id
  filename        = "cloudbuild.yaml"

  repository_event_config {
    repository = var.repository.connection
    push {
      branch = "^main$"
    }
  }

  substitutions = {
    _ENVIRONMENT = var.environment
  }
}
