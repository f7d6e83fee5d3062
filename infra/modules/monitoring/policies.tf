# One policy per row of alerts.tf. `user_labels.slug` is the name of the alert's page.

resource "google_monitoring_notification_channel" "email" {
  display_name = "LiftLog operations"
  type         = "email"
  labels       = { email_address = var.email }
}

resource "google_monitoring_alert_policy" "alerts" {
  for_each = local.alerts

  display_name          = each.value.title
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = [google_monitoring_notification_channel.email.id]
  user_labels           = { slug = each.key }

  conditions {
    display_name = each.value.title

    dynamic "condition_prometheus_query_language" {
      for_each = try([each.value.query], [])
      content {
        query                     = condition_prometheus_query_language.value
        duration                  = each.value.duration
        evaluation_interval       = "60s"
        disable_metric_validation = true # a new metric may appear only ten minutes later
      }
    }
    dynamic "condition_threshold" {
      for_each = try([each.value.threshold], [])
      content {
        filter          = condition_threshold.value.filter
        comparison      = "COMPARISON_GT"
        threshold_value = condition_threshold.value.above
        duration        = condition_threshold.value.duration
        aggregations {
          alignment_period     = condition_threshold.value.period
          per_series_aligner   = condition_threshold.value.aligner
          cross_series_reducer = condition_threshold.value.reducer
          group_by_fields      = condition_threshold.value.group_by
        }
      }
    }
    dynamic "condition_matched_log" {
      for_each = try([each.value.log_filter], [])
      content {
        filter = condition_matched_log.value
      }
    }
  }

  alert_strategy {
    auto_close = try(each.value.auto_close, "1800s")

    # Google requires a rate limit for policies on log lines, and rejects it for all others.
    dynamic "notification_rate_limit" {
      for_each = try([each.value.log_filter], [])
      content {
        period = "3600s"
      }
    }
  }
  documentation {
    content = format(local.page, each.key)
  }
}

# Delete the moved blocks after every environment has been deployed with them.
moved {
  from = google_monitoring_alert_policy.queries["error-rate"]
  to   = google_monitoring_alert_policy.alerts["error-rate"]
}

moved {
  from = google_monitoring_alert_policy.queries["latency"]
  to   = google_monitoring_alert_policy.alerts["latency"]
}

moved {
  from = google_monitoring_alert_policy.queries["cleanup-not-run"]
  to   = google_monitoring_alert_policy.alerts["cleanup-not-run"]
}

moved {
  from = google_monitoring_alert_policy.queries["model-failures"]
  to   = google_monitoring_alert_policy.alerts["model-failures"]
}

moved {
  from = google_monitoring_alert_policy.counts["cleanup-dead-letters"]
  to   = google_monitoring_alert_policy.alerts["cleanup-dead-letters"]
}

moved {
  from = google_monitoring_alert_policy.counts["code-errors"]
  to   = google_monitoring_alert_policy.alerts["code-errors"]
}

moved {
  from = google_monitoring_alert_policy.sightings["orphans"]
  to   = google_monitoring_alert_policy.alerts["orphans"]
}

moved {
  from = google_monitoring_alert_policy.not_ready
  to   = google_monitoring_alert_policy.alerts["not-ready"]
}
