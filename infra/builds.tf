# The service account that builds the functions. It can read their archives, write their images, and write
# logs. By default the platform would use the account of Compute Engine, which has far more permissions.
# https://cloud.google.com/functions/docs/securing/build-custom-sa

resource "google_service_account" "build" {
  account_id   = "liftlog-build"
  display_name = "Builds the functions"

  depends_on = [google_project_service.apis]
}

resource "google_artifact_registry_repository_iam_member" "build" {
  repository = google_artifact_registry_repository.images["functions"].name
  location   = var.region
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.build.member
}

resource "google_project_iam_member" "build_logs" {
  project = var.project
  role    = "roles/logging.logWriter"
  member  = google_service_account.build.member
}

# The platform copies each archive from our bucket into its own bucket and builds from there. It creates that
# bucket with the first function, so Terraform cannot grant a role on the bucket. Instead this grant on
# the project has a condition that matches only the bucket.
# https://cloud.google.com/functions/docs/building, https://cloud.google.com/storage/docs/access-control/iam#conditions
resource "google_project_iam_member" "build_archives" {
  project = var.project
  role    = "roles/storage.objectViewer"
  member  = google_service_account.build.member

  # Each change below replaces the grant.
  condition {
    title       = "archives of functions"
    description = "The bucket into which the platform copies what it builds"
    expression  = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-${data.google_project.this.number}-${var.region}\")"
  }
}
