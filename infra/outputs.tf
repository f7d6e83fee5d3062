output "services" {
  description = "The services and their own addresses."
  value = merge(
    { for name, function in module.function : name => { url = function.url } },
    { for chat in google_cloud_run_v2_service.chat : chat.name => { url = chat.uri } },
  )
}

output "images" {
  description = "Where images are pushed to."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images["images"].repository_id}"
}

output "balancer_ip" {
  description = "The address that the domain's A record has to have."
  value       = module.balancer.address
}

output "name_of_url_map" {
  description = "The balancer's URL map, which ./scripts/traffic changes."
  value       = module.balancer.url_map
}

output "project" {
  description = "The environment's project."
  value       = var.project
}

output "region" {
  description = "Where the services run."
  value       = var.region
}

output "sources_bucket" {
  description = "Where the archives and the shares of the traffic lie."
  value       = google_storage_bucket.sources.name
}
