output "name" {
  description = "Name of the function and of its Cloud Run service."
  value       = google_cloudfunctions2_function.this.name
}

output "url" {
  description = "URL of the function."
  value       = google_cloudfunctions2_function.this.service_config[0].uri
}
