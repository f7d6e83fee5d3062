# The alerts of alerts.tf, each in the form that its question needs.

resource "google_monitoring_notification_channel" "email" {
  display_name = "LiftLog operations"
  type         = "email"
  labels       = { email_address = var.email }
}

resource "google_monitoring_alert_policy" "queries" {
  for_each = local.queries

  display_name          = each.value.title
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = [google_monitoring_notification_channel.email.id]
  user_labels           = { slug = each.key }

  conditions {
    display_name = each.value.title
    condition_prometheus_query_language {
      query                     = each.value.query
      duration                  = each.value.lasts
      evaluation_interval       = "60s"
      disable_metric_validation = true # it may be there in ten minutes
    }
  }

  alert_strategy {
    auto_close = "1800s"
  }
  documentation {
    content = format(local.page, each.key)
  }
}

resource "google_monitoring_alert_policy" "counts" {
  for_each = local.counts

  display_name          = each.value.title
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = [google_monitoring_notification_channel.email.id]
  user_labels           = { slug = each.key }

  conditions {
    display_name = each.value.title
    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = each.value.by
      }
    }
  }

  alert_strategy {
    auto_close = "3600s"
  }
  documentation {
    content = format(local.page, each.key)
  }
}

resource "google_monitoring_alert_policy" "sightings" {
  for_each = local.sightings

  display_name          = each.value.title
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = [google_monitoring_notification_channel.email.id]
  user_labels           = { slug = each.key }

  conditions {
    display_name = each.value.title
    condition_matched_log {
      filter = each.value.filter
    }
  }

  alert_strategy {
    auto_close = "3600s"
    notification_rate_limit {
      period = "3600s"
    }
  }
  documentation {
    content = format(local.page, each.key)
  }
}
