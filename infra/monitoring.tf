module "monitoring" {
  source = "./modules/monitoring"

  project      = var.project
  email        = var.alert_email
  domain       = var.domain
  dead_letters = google_pubsub_subscription.dead_letters.name
  hosts        = { for name, url in local.public_urls : name => trimprefix(url, "https://") }

  depends_on = [google_project_service.apis]
}

locals {
  # The cleanup is missing: an uptime check has no identity that may call it.
  public_urls = merge(
    { for name, function in module.function : name => function.url if local.functions[name].is_public },
    { for chat in google_cloud_run_v2_service.chat : chat.name => chat.uri },
  )
}
