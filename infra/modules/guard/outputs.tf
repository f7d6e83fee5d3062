output "policy" {
  description = "The id of the policy."
  value       = google_compute_security_policy.this.id
}
