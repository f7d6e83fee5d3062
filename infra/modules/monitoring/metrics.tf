# Counts of our own log lines, for what the platform does not count itself. What the lines look like is
# tested where they are written.

locals {
  of_services = "resource.type=\"cloud_run_revision\""

  counters = {
    # The last line of a run of the cleanup, in functions/cleanup/cleaner.py.
    cleanup_runs = "jsonPayload.logger=\"functions.cleanup.cleaner\" AND jsonPayload.message=~\"and that is all$\""
    # Documents of users who do not exist, from the same line.
    orphans = "jsonPayload.logger=\"functions.cleanup.cleaner\" AND (jsonPayload.deleted.orphans>0 OR jsonPayload.deleted.\"orphaned lookups\">0)"
    # Whatever shared/planner/model.py warns of.
    model_failures = "jsonPayload.logger=\"shared.planner.model\" AND severity>=WARNING"
  }
}

resource "google_logging_metric" "counters" {
  for_each = local.counters

  name   = "liftlog/${each.key}"
  filter = "${local.of_services} AND ${each.value}"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}

resource "google_logging_metric" "completion_tokens" {
  name            = "liftlog/completion_tokens"
  filter          = "${local.of_services} AND jsonPayload.logger=\"shared.planner.model\" AND jsonPayload.message:\"completion tokens\""
  value_extractor = "REGEXP_EXTRACT(jsonPayload.message, \"([0-9]+) completion tokens\")"

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
