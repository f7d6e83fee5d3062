# Releases from the repository: Cloud Build has its own service account, without a key.

module "delivery" {
  source = "./modules/delivery"

  project        = var.project
  project_number = data.google_project.this.number
  region         = var.region
  environment    = var.environment
  repository     = var.repository
  operators      = var.operators
  buckets = {
    sources = google_storage_bucket.sources.name
    state   = "${var.project}-terraform"
    backups = google_storage_bucket.backups.name
  }
  accounts = merge(
    { for service, account in google_service_account.services : service => account.name },
    { build = google_service_account.build.name, trigger = google_service_account.cleanup_trigger.name },
  )

  depends_on = [google_project_service.apis]
}

# The revisions that each release replaced, newest first. ./scripts/deploy writes them, ./scripts/rollback reads
# them.
resource "google_storage_bucket_object" "releases" {
  bucket        = google_storage_bucket.sources.name
  name          = "releases.json"
  content       = "[]"
  content_type  = "application/json"
  cache_control = "no-store"

  lifecycle {
    ignore_changes = [content, detect_md5hash]
  }
}
