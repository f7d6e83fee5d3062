output "channel" {
  description = "Id of the notification channel for alerts."
  value       = google_monitoring_notification_channel.email.id
}
