# Metrics of our own log lines, for facts that the platform does not measure. Tests compare the fields below with
# the lines that the code writes. Lines that an exclusion keeps out of storage would count too.
# https://cloud.google.com/logging/docs/logs-based-metrics

locals {
  services = "resource.type=\"cloud_run_revision\""

  planner = [for name in ["model", "tool_arguments", "plans", "conversation"] : "jsonPayload.logger=\"shared.planner.${name}\""]

  counters = {
    # The last line of a cleanup run that was complete, in functions/cleanup/cleaner.py.
    cleanup_runs = "jsonPayload.logger=\"functions.cleanup.cleaner\" AND jsonPayload.completes_run=true"
    # shared/planner/model.py writes one line per complete response, or a warning. The other modules warn about a
    # response that they cannot use: it counts as a reply and as a failure.
    model_replies  = "jsonPayload.logger=\"shared.planner.model\" AND jsonPayload.completion_tokens>=0"
    model_failures = "(${join(" OR ", local.planner)}) AND severity>=WARNING"
    # shared/backups: a backup was not stored, or expired ones were not deleted.
    backup_failures = "jsonPayload.logger=\"shared.backups\" AND severity>=WARNING"
  }

  # Metrics that add up the field of the same name.
  sums = {
    deleted_in_all    = "jsonPayload.logger=\"functions.cleanup.cleaner\" AND jsonPayload.deleted_in_all>0"
    prompt_tokens     = local.counters.model_replies
    completion_tokens = local.counters.model_replies
  }

  # The names in PromQL. https://cloud.google.com/monitoring/promql/promql-mapping
  own = {
    for metric in concat(values(google_logging_metric.counters), values(google_logging_metric.sums)) :
    trimprefix(metric.name, "liftlog/") => "logging_googleapis_com:user_${replace(metric.name, "/", "_")}"
  }
  of_services = "{monitored_resource=\"cloud_run_revision\"}"
}

resource "google_logging_metric" "counters" {
  for_each = local.counters

  name   = "liftlog/${each.key}"
  filter = "${local.services} AND ${each.value}"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}

# Cloud Logging can add up a field only in a distribution. PromQL reads its sum.
resource "google_logging_metric" "sums" {
  for_each = local.sums

  name            = "liftlog/${each.key}"
  filter          = "${local.services} AND ${each.value}"
  value_extractor = "EXTRACT(jsonPayload.${each.key})"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "1"
  }

  bucket_options {
    exponential_buckets {
      num_finite_buckets = 16
      growth_factor      = 2
      scale              = 1
    }
  }
}
