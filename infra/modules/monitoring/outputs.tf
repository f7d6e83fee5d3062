output "channel" {
  description = "The channel by which alerts are sent."
  value       = google_monitoring_notification_channel.email.id
}
