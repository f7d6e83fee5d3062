output "policy" {
  description = "Id of the Cloud Armor policy."
  value       = google_compute_security_policy.this.id
}
