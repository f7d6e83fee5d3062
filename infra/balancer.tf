# The domain: one address for all services and for the old service.

locals {
  # At first the old service gets all requests. Without an old service the new services do.
  initial_split = { for service in keys(local.paths) : service => var.old_service_host == "" ? 100 : 0 }

  # The traffic split in use. ./scripts/traffic changes it in this object and in the URL map, so both agree. The
  # object of an older environment lacks services that were added later.
  traffic_split = merge(local.initial_split, jsondecode(data.google_storage_bucket_object_content.traffic.content))
}

resource "google_storage_bucket_object" "traffic" {
  bucket        = google_storage_bucket.sources.name
  name          = "traffic.json"
  content       = jsonencode(local.initial_split)
  content_type  = "application/json"
  cache_control = "no-store" # readers need the current split

  lifecycle {
    ignore_changes = [content, detect_md5hash] # ./scripts/traffic changes the content
  }
}

data "google_storage_bucket_object_content" "traffic" {
  bucket = google_storage_bucket_object.traffic.bucket
  # `output_name` is known after the object is created. With `name`, the first plan would read the object before
  # it exists, and fail.
  name = google_storage_bucket_object.traffic.output_name
}

module "guard" {
  source = "./modules/guard"

  preview_only = var.guard_preview_only

  depends_on = [google_project_service.apis]
}

module "balancer" {
  source = "./modules/balancer"

  region           = var.region
  domain           = var.domain
  old_service_host = var.old_service_host
  paths            = local.paths
  traffic_split    = local.traffic_split
  security_policy  = module.guard.policy

  depends_on = [google_project_service.apis]
}
