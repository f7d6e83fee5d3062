output "address" {
  description = "The address that the domain's record has to have."
  value       = google_compute_global_address.this.address
}

output "url_map" {
  description = "The name of the URL map."
  value       = google_compute_url_map.https.name
}
