# Asks each service, and the domain, from several regions of the world whether it is ready.

resource "google_monitoring_uptime_check_config" "ready" {
  for_each = merge(var.addresses, { domain = var.domain })

  display_name = "ready: ${each.key}"
  period       = "300s"
  timeout      = "10s"

  http_check {
    path         = "/health/ready"
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project
      host       = each.value
    }
  }
}

resource "google_monitoring_alert_policy" "not_ready" {
  display_name          = "a service does not say that it is ready"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = [google_monitoring_notification_channel.email.id]
  user_labels           = { slug = "not-ready" }

  conditions {
    display_name = "it does not answer 200 to several regions"
    condition_threshold {
      filter          = "metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND resource.type=\"uptime_url\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.thresholds.locations_down
      duration        = "300s"
      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }
    }
  }

  alert_strategy {
    auto_close = "1800s"
  }
  documentation {
    content = format(local.page, "not-ready")
  }
}
