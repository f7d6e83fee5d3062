module "monitoring" {
  source = "./modules/monitoring"

  project      = var.project
  email        = var.alert_email
  domain       = var.domain
  dead_letters = google_pubsub_subscription.dead_letters.name
  addresses    = { for name, url in local.public_urls : name => trimprefix(url, "https://") }

  depends_on = [google_project_service.apis]
}

locals {
  public_urls = merge(
    { for name, function in module.function : name => function.url if local.functions[name].is_public },
    { for chat in google_cloud_run_v2_service.chat : chat.name => chat.uri },
  )
}
