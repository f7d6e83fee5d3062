# The functions. What all have in common is in modules/function, what differs is in this table.
#
# A request with a new password keeps a core busy for 0.3 s, and a large feed takes 50 MiB; beyond
# `concurrency` the platform starts another instance. A picture of 2 MiB is 8 MiB while it moves.

locals {
  functions = {
    users   = { concurrency = 40, timeout_s = 60, memory = "512Mi", max_instances = 40, is_public = true }
    events  = { concurrency = 60, timeout_s = 60, memory = "512Mi", max_instances = 40, is_public = true }
    social  = { concurrency = 60, timeout_s = 60, memory = "512Mi", max_instances = 20, is_public = true }
    sharing = { concurrency = 60, timeout_s = 60, memory = "512Mi", max_instances = 10, is_public = true }
    # Waits for the model most of the time: OPENAI_DEADLINE_S, and once more if a plan does not fit.
    ai = { concurrency = 80, timeout_s = 300, memory = "512Mi", max_instances = 20, is_public = true }
    # A run starts no page after CLEANUP_S, and finishes those that it has begun.
    cleanup = { concurrency = 4, timeout_s = 300, memory = "512Mi", max_instances = 3, is_public = false }
  }

  packages = jsondecode(file(var.packages_file))
}

resource "google_storage_bucket_object" "packages" {
  for_each = local.functions

  bucket = google_storage_bucket.sources.name
  # By its content: a function whose archive is the same is not deployed again.
  name   = "packages/${basename(local.packages[each.key].archive)}"
  source = "${dirname(var.packages_file)}/../${local.packages[each.key].archive}"
}

module "function" {
  source   = "./modules/function"
  for_each = local.functions

  name          = each.key
  region        = var.region
  account       = google_service_account.services[each.key].email
  build_account = google_service_account.build.id
  images        = google_artifact_registry_repository.images["functions"].id
  archive = {
    bucket = google_storage_bucket.sources.name
    object = google_storage_bucket_object.packages[each.key].name
  }
  settings      = local.settings_of[each.key]
  concurrency   = each.value.concurrency
  memory        = each.value.memory
  timeout_s     = each.value.timeout_s
  min_instances = lookup(var.min_instances, each.key, 0)
  max_instances = lookup(var.max_instances, each.key, each.value.max_instances)
  is_public     = each.value.is_public

  depends_on = [
    google_project_service.apis,
    google_artifact_registry_repository_iam_member.build,
    google_project_iam_member.build_archives,
    google_project_iam_member.build_logs,
  ]
}
