# What wakes somebody up. Each alert has a page in docs/incidents that says what it means and what to do.

locals {
  requests = "run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\"}"
  failures = "run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\",response_code_class=\"5xx\"}"

  # As Prometheus asks: https://cloud.google.com/monitoring/promql/promql-mapping
  queries = {
    # With five failures at least, or one unlucky request at night would be a share of 100 %.
    error-rate = {
      title    = "a service answers too many requests with 5xx"
      severity = "CRITICAL"
      lasts    = "300s"
      query    = <<-EOT
        sum by (service_name) (rate(${local.failures}[10m]))
          / sum by (service_name) (rate(${local.requests}[10m])) > ${var.thresholds.error_share}
        and sum by (service_name) (increase(${local.failures}[10m])) >= 5
      EOT
    }
    # The chat is left out, for its requests are talks, and so is what apps do not wait for.
    latency = {
      title    = "a service answers slowly"
      severity = "WARNING"
      lasts    = "600s"
      query    = <<-EOT
        (
          histogram_quantile(0.95, sum by (service_name, le) (rate(run_googleapis_com:request_latencies_bucket{monitored_resource="cloud_run_revision",service_name!~"ai|chat|cleanup"}[10m]))) > ${var.thresholds.latency_ms}
          or
          histogram_quantile(0.95, sum by (service_name, le) (rate(run_googleapis_com:request_latencies_bucket{monitored_resource="cloud_run_revision",service_name="ai"}[10m]))) > ${var.thresholds.plan_ms}
        )
        and sum by (service_name) (increase(${local.requests}[10m])) >= 20
      EOT
    }
  }

  # Something that should not be there at all, or not so often: more than `above` within `within`.
  counts = {
    cleanup-dead-letters = {
      title    = "messages of the cleanup were put aside"
      severity = "WARNING"
      filter   = "metric.type=\"pubsub.googleapis.com/subscription/dead_letter_message_count\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"cleanup\""
      above    = 0
      within   = "600s"
    }
    model-failures = {
      title    = "the model fails"
      severity = "ERROR"
      filter   = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.counters["model_failures"].name}\" AND ${local.of_revisions}"
      above    = var.thresholds.model_failures
      within   = "600s"
    }
    code-errors = {
      title    = "a line of severity ERROR"
      severity = "ERROR"
      filter   = "metric.type=\"logging.googleapis.com/log_entry_count\" AND ${local.of_revisions} AND metric.labels.severity=\"ERROR\""
      above    = 0
      within   = "300s"
    }
    orphans = {
      title    = "documents of users who do not exist"
      severity = "ERROR"
      filter   = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.counters["orphans"].name}\" AND ${local.of_revisions}"
      above    = 0
      within   = "600s"
    }
  }
  of_revisions = "resource.type=\"cloud_run_revision\""

  page = "What it means and what to do: docs/incidents/%s.md in the repository."
}

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
      query               = each.value.query
      duration            = each.value.lasts
      evaluation_interval = "60s"
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
      threshold_value = each.value.above
      duration        = "0s"
      aggregations {
        alignment_period     = each.value.within
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
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

# A run every hour; two may fail. Where nothing is written there may be zeros or nothing at all.
resource "google_monitoring_alert_policy" "cleanup_not_run" {
  display_name          = "the cleanup has not run"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = [google_monitoring_notification_channel.email.id]
  user_labels           = { slug = "cleanup-not-run" }

  conditions {
    display_name = "no complete run for two hours"
    condition_threshold {
      filter          = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.counters["cleanup_runs"].name}\" AND ${local.of_revisions}"
      comparison      = "COMPARISON_LT"
      threshold_value = 1
      duration        = "0s"
      aggregations {
        alignment_period     = "7500s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }
  conditions {
    display_name = "no word of a run for two hours"
    condition_absent {
      filter   = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.counters["cleanup_runs"].name}\" AND ${local.of_revisions}"
      duration = "7500s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  alert_strategy {
    auto_close = "3600s"
  }
  documentation {
    content = format(local.page, "cleanup-not-run")
  }
}
