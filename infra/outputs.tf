output "services" {
  description = "The services with their own URLs."
  value = merge(
    { for name, function in module.function : name => { url = function.url } },
    { for chat in google_cloud_run_v2_service.chat : chat.name => { url = chat.uri } },
  )
}

output "images" {
  description = "Repository to which ./scripts/deploy pushes images."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images["images"].repository_id}"
}

output "balancer_ip" {
  description = "IP address for the domain's A record."
  value       = module.balancer.address
}

output "url_map" {
  description = "Name of the load balancer's URL map, which ./scripts/traffic changes."
  value       = module.balancer.url_map
}

output "project" {
  description = "Id of the environment's project."
  value       = var.project
}

output "region" {
  description = "Region of the services."
  value       = var.region
}

output "backups_bucket" {
  description = "Bucket of the backups that users upload."
  value       = google_storage_bucket.backups.name
}

output "sources_bucket" {
  description = "Bucket of the archives, the traffic split and the releases."
  value       = google_storage_bucket.sources.name
}
