# How releases get here: Cloud Build works as an account of its own, without a key.

module "delivery" {
  source = "./modules/delivery"

  project        = var.project
  project_number = data.google_project.this.number
  region         = var.region
  environment    = var.environment
  repository     = var.repository
  operators      = var.operators
  buckets        = { sources = google_storage_bucket.sources.name, state = "${var.project}-terraform" }
  # Whom it lets services and builds run as.
  accounts = merge(
    { for service, account in google_service_account.services : service => account.name },
    { build = google_service_account.build.name, trigger = google_service_account.cleanup_trigger.name },
  )

  depends_on = [google_project_service.apis]
}
