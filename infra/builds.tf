# Who builds the functions: an account that can read their archives, store their images, and log. The
# platform would take the default account of Compute Engine, which may do far more.
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

# Not from our bucket: the platform copies each archive into one of its own, and has it built from there.
# That is made with the first function, hence a grant of the project that is good for this bucket alone.
# https://cloud.google.com/functions/docs/building, https://cloud.google.com/storage/docs/access-control/iam#conditions
resource "google_project_iam_member" "build_archives" {
  project = var.project
  role    = "roles/storage.objectViewer"
  member  = google_service_account.build.member

  condition {
    title       = "archives of functions"
    description = "The bucket into which the platform copies what it builds"
    expression  = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-${data.google_project.this.number}-${var.region}\")"
  }
}
