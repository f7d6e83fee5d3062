# The domain: one address for all services, and the old service beside them.

locals {
  # How the paths of each service begin, in any case, after a slash, with and without /v2. All other paths go
  # to users. No path of a service may begin like that of another.
  paths = {
    users   = ["user"]
    events  = ["event"]
    social  = ["follow-secret", "inbox"]
    sharing = ["shareditem"]
    ai      = ["ai/"]
    chat    = ["ai-chat"]
  }

  # In force: ./scripts/traffic changes it here and in the balancer, so that both agree.
  shares = jsondecode(data.google_storage_bucket_object_content.traffic.content)
}

resource "google_storage_bucket_object" "traffic" {
  bucket        = google_storage_bucket.sources.name
  name          = "traffic.json"
  content       = jsonencode(var.new_shares)
  content_type  = "application/json"
  cache_control = "no-store"

  lifecycle {
    ignore_changes = [content, detect_md5hash]
  }
}

data "google_storage_bucket_object_content" "traffic" {
  bucket = google_storage_bucket_object.traffic.bucket
  # Known when the object is there: by `name` the first plan of all would look for it, and fail.
  name = google_storage_bucket_object.traffic.output_name
}

module "guard" {
  source = "./modules/guard"

  only_watches = var.guard_only_watches

  depends_on = [google_project_service.apis]
}

module "balancer" {
  source = "./modules/balancer"

  region           = var.region
  domain           = var.domain
  old_service_host = var.old_service_host
  paths            = local.paths
  shares           = local.shares
  security_policy  = module.guard.policy

  depends_on = [google_project_service.apis]
}
