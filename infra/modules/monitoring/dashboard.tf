# One page for the first look at an incident: traffic, failures, latency and cost.

locals {
  per_second = "sum by (%s) (rate(%s[5m]))"
  by_percent = "histogram_quantile(%s, sum by (service_name, le) (rate(${format(local.latencies, "service_name!=\"chat\"")}[5m])))"
  per_hour   = "sum(sum_over_time(%s${local.of_services}[1h]))"

  # Title, and PromQL queries by their legend. A query named `all` returns several series.
  charts = [
    ["Requests per second", { all = format(local.per_second, "service_name", local.requests) }],
    ["5xx responses per second", { all = format(local.per_second, "service_name", local.failures) }],
    ["Latency in ms, median", { p50 = format(local.by_percent, "0.5") }],
    ["Latency in ms, 95th percentile", { p95 = format(local.by_percent, "0.95") }],
    ["Instances", { all = "sum by (service_name) (run_googleapis_com:container_instance_count${local.of_services})" }],
    ["Requests per second by backend, new services and old", {
      all = format(local.per_second, "backend_target_name", "loadbalancing_googleapis_com:https_request_count{monitored_resource=\"https_lb_rule\"}")
    }],
    ["Firestore: documents per second", {
      for operation in ["read", "write", "delete"] :
      operation => "sum(rate(firestore_googleapis_com:document_${operation}_ops_count{monitored_resource=\"firestore.googleapis.com/Database\"}[5m]))"
    }],
    ["Cleanup per hour", {
      runs      = format(local.per_hour, local.own.cleanup_runs)
      deletions = format(local.per_hour, "${local.own.deleted_in_all}_sum")
    }],
    ["Undelivered messages of the cleanup", {
      all = "sum by (subscription_id) (pubsub_googleapis_com:subscription_num_undelivered_messages{monitored_resource=\"pubsub_subscription\"})"
    }],
    ["Failed backups of users per hour", { failures = format(local.per_hour, local.own.backup_failures) }],
    ["Model responses per hour", {
      replies  = format(local.per_hour, local.own.model_replies)
      failures = format(local.per_hour, local.own.model_failures)
    }],
    ["Model tokens per hour", {
      prompt     = format(local.per_hour, "${local.own.prompt_tokens}_sum")
      completion = format(local.per_hour, "${local.own.completion_tokens}_sum")
    }],
  ]
}

resource "google_monitoring_dashboard" "this" {
  dashboard_json = jsonencode({
    displayName = "LiftLog"
    gridLayout = {
      columns = "2"
      widgets = [for chart in local.charts : {
        title = chart[0]
        xyChart = {
          dataSets = [for name, query in chart[1] : merge(
            { plotType = "LINE", targetAxis = "Y1", timeSeriesQuery = { prometheusQuery = query } },
            # Without a template the legend shows the labels, which distinguish the series of `all`.
            name == "all" ? {} : { legendTemplate = name },
          )]
        }
      }]
    }
  })
}
