# Counts of our own log lines, for what the platform does not count itself. The fields that are asked for
# here are tested where the lines are written. Also lines that are excluded from storage would count.
# https://cloud.google.com/logging/docs/logs-based-metrics

locals {
  services = "resource.type=\"cloud_run_revision\""

  planner = [for name in ["model", "tool_arguments", "plans", "conversation"] : "jsonPayload.logger=\"shared.planner.${name}\""]

  counters = {
    # The line of a run of the cleanup that left nothing to do, in functions/cleanup/cleaner.py.
    cleanup_runs = "jsonPayload.logger=\"functions.cleanup.cleaner\" AND jsonPayload.completes_run=true"
    # Every reply that came to its end, and everything else that became of a call, in shared/planner/model.py;
    # a reply that is of no use, in the others, is both.
    model_replies  = "jsonPayload.logger=\"shared.planner.model\" AND jsonPayload.completion_tokens>=0"
    model_failures = "(${join(" OR ", local.planner)}) AND severity>=WARNING"
  }

  # The fields of lines that are added up.
  sums = {
    deleted_in_all    = "jsonPayload.logger=\"functions.cleanup.cleaner\" AND jsonPayload.deleted_in_all>0"
    prompt_tokens     = local.counters.model_replies
    completion_tokens = local.counters.model_replies
  }

  # How PromQL calls them. https://cloud.google.com/monitoring/promql/promql-mapping
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

# A log-based metric that adds up a field has to be a distribution; PromQL knows its sum.
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
