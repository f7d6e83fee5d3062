# One page with what one looks at first: what comes, what goes wrong, how long it takes, what it costs.

locals {
  by_service = ["resource.label.service_name"]

  charts = [
    { title = "Requests per second, by service", metric = "run.googleapis.com/request_count", resource = "cloud_run_revision", by = local.by_service },
    { title = "Answers with 5xx per second, by service", metric = "run.googleapis.com/request_count", resource = "cloud_run_revision", by = local.by_service, only = "metric.label.response_code_class=\"5xx\"" },
    { title = "Latency, median, ms", metric = "run.googleapis.com/request_latencies", resource = "cloud_run_revision", by = local.by_service, aligner = "ALIGN_DELTA", reducer = "REDUCE_PERCENTILE_50" },
    { title = "Latency, 95 of 100, ms", metric = "run.googleapis.com/request_latencies", resource = "cloud_run_revision", by = local.by_service, aligner = "ALIGN_DELTA", reducer = "REDUCE_PERCENTILE_95" },
    { title = "Instances, by service", metric = "run.googleapis.com/container/instance_count", resource = "cloud_run_revision", by = local.by_service, aligner = "ALIGN_MAX" },
    { title = "Requests per second, new services and old", metric = "loadbalancing.googleapis.com/https/request_count", resource = "https_lb_rule", by = ["resource.label.backend_target_name"] },
    { title = "Firestore: documents read per second", metric = "firestore.googleapis.com/document/read_ops_count", resource = "firestore.googleapis.com/Database" },
    { title = "Firestore: documents written per second", metric = "firestore.googleapis.com/document/write_ops_count", resource = "firestore.googleapis.com/Database" },
    { title = "Runs of the cleanup", metric = "logging.googleapis.com/user/${google_logging_metric.counters["cleanup_runs"].name}", resource = "cloud_run_revision", aligner = "ALIGN_DELTA" },
    { title = "Messages of the cleanup that wait", metric = "pubsub.googleapis.com/subscription/num_undelivered_messages", resource = "pubsub_subscription", by = ["resource.label.subscription_id"], aligner = "ALIGN_MAX" },
    { title = "Failures of the model", metric = "logging.googleapis.com/user/${google_logging_metric.counters["model_failures"].name}", resource = "cloud_run_revision", by = local.by_service, aligner = "ALIGN_DELTA" },
    { title = "Tokens of replies, 95 of 100", metric = "logging.googleapis.com/user/${google_logging_metric.completion_tokens.name}", resource = "cloud_run_revision", aligner = "ALIGN_DELTA", reducer = "REDUCE_PERCENTILE_95" },
  ]
}

resource "google_monitoring_dashboard" "this" {
  dashboard_json = jsonencode({
    displayName = "LiftLog"
    mosaicLayout = {
      columns = 12
      tiles = [for index, chart in local.charts : {
        xPos   = index % 2 * 6
        yPos   = floor(index / 2) * 4
        width  = 6
        height = 4
        widget = {
          title = chart.title
          xyChart = {
            dataSets = [{
              plotType = "LINE"
              timeSeriesQuery = {
                timeSeriesFilter = {
                  filter = join(" AND ", compact([
                    "metric.type=\"${chart.metric}\"",
                    "resource.type=\"${chart.resource}\"",
                    try(chart.only, ""),
                  ]))
                  aggregation = {
                    alignmentPeriod    = "60s"
                    perSeriesAligner   = try(chart.aligner, "ALIGN_RATE")
                    crossSeriesReducer = try(chart.reducer, "REDUCE_SUM")
                    groupByFields      = try(chart.by, [])
                  }
                }
              }
            }]
          }
        }
      }]
    }
  })
}
