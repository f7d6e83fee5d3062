# Every service but the chat is a function of modules/function.

locals {
  functions = { for name, service in local.services : name => service if name != "chat" }
  packages  = jsondecode(file(var.packages_file))
}

resource "google_storage_bucket_object" "packages" {
  for_each = local.functions

  bucket = google_storage_bucket.sources.name
  # The file name contains a hash of the archive: an unchanged function is not deployed again.
  name   = "packages/${basename(local.packages[each.key].archive)}"
  source = "${dirname(var.packages_file)}/../${local.packages[each.key].archive}"
}

module "function" {
  source   = "./modules/function"
  for_each = local.functions

  name    = each.key
  region  = var.region
  account = google_service_account.services[each.key].email
  build = {
    account    = google_service_account.build.id
    repository = google_artifact_registry_repository.images["functions"].id
    bucket     = google_storage_bucket.sources.name
    object     = google_storage_bucket_object.packages[each.key].name
  }
  settings  = local.settings_of[each.key]
  limits    = each.value.limits
  instances = local.instances[each.key]
  is_public = each.value.is_public

  # A build fails without these grants, and the reference to the account alone does not wait for them.
  depends_on = [
    google_project_service.apis,
    google_artifact_registry_repository_iam_member.build,
    google_project_iam_member.build_archives,
    google_project_iam_member.build_logs,
  ]
}
