output "name" {
  description = "Its name, and that of its Cloud Run service."
  value       = google_cloudfunctions2_function.this.name
}

output "url" {
  description = "Its address."
  value       = google_cloudfunctions2_function.this.service_config[0].uri
}
