output "services" {
  description = "The services and their own addresses."
  value = merge(
    { for name, function in module.function : name => function.url },
    { for chat in google_cloud_run_v2_service.chat : chat.name => chat.uri },
  )
}

output "images" {
  description = "Where images are pushed to."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
}
