output "address" {
  description = "IP address of the load balancer, for the domain's A record."
  value       = google_compute_global_address.this.address
}

output "url_map" {
  description = "Name of the URL map."
  value       = google_compute_url_map.https.name
}
