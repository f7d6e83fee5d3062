module "firestore" {
  source = "./modules/firestore"

  location         = var.firestore_location
  serving_database = var.serving_database
  collections      = local.collections

  depends_on = [google_project_service.apis]
}
