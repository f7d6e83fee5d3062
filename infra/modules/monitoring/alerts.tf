# What wakes somebody up. Each alert has a page in docs/operations/incidents that says what it means and what to do.

locals {
  requests  = "run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\"}"
  failures  = "run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\",response_code_class=\"5xx\"}"
  latencies = "run_googleapis_com:request_latencies_bucket{monitored_resource=\"cloud_run_revision\",%s}"
  too_slow  = "histogram_quantile(0.95, sum by (service_name, le) (rate(${local.latencies}[10m]))) > %d"

  # Sums of lines are taken by `sum_over_time`: there are minutes with a line and minutes without, from which
  # `increase` makes too little. Who has no line yet has no series either.
  lines = "(sum(sum_over_time(%s${local.of_services}[%s])) or vector(0))"

  # Asked in PromQL, since Terraform may ask for a metric there that it has made a moment ago. In other
  # conditions such a metric is unknown for up to ten minutes, and the first release would fail.
  # https://github.com/hashicorp/terraform-provider-google/issues/11102
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
    # The chat is left out, for its requests are talks, and so is the cleanup, for which nobody waits.
    latency = {
      title    = "a service answers slowly"
      severity = "WARNING"
      lasts    = "600s"
      query    = <<-EOT
        (
          ${format(local.too_slow, "service_name!~\"ai|chat|cleanup\"", var.thresholds.latency_ms)}
          or
          ${format(local.too_slow, "service_name=\"ai\"", var.thresholds.plan_ms)}
        )
        and sum by (service_name) (increase(${local.requests}[10m])) >= 20
      EOT
    }
    # A run starts every hour. One hour without a complete run is normal: after each run that takes a little
    # longer than the one before, and in a new environment. Two hours are not.
    cleanup-not-run = {
      title    = "the cleanup has not run for two hours"
      severity = "WARNING"
      lasts    = "3900s"
      query    = "${format(local.lines, local.own.cleanup_runs, "1h")} == 0"
    }
    # By share, or a day with many talks would be an alarm; with five, or a night with one failure.
    model-failures = {
      title    = "the model fails too often"
      severity = "ERROR"
      lasts    = "0s"
      query    = <<-EOT
        ${format(local.lines, local.own.model_failures, "15m")}
          / (${format(local.lines, local.own.model_failures, "15m")} + ${format(local.lines, local.own.model_replies, "15m")})
          > ${var.thresholds.model_failure_share}
        and ${format(local.lines, local.own.model_failures, "15m")} >= 5
      EOT
    }
  }

  # Of what Google counts: more than nothing is too much.
  counts = {
    # As long as a message lies there: somebody has to look, and to take it away.
    cleanup-dead-letters = {
      title    = "messages of the cleanup were put aside"
      severity = "WARNING"
      filter   = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${var.dead_letters}\""
      aligner  = "ALIGN_MAX"
      by       = []
    }
    code-errors = {
      title    = "a line of severity ERROR"
      severity = "ERROR"
      filter   = "metric.type=\"logging.googleapis.com/log_entry_count\" AND ${local.services} AND metric.labels.severity=monitoring.regex.full_match(\"ERROR|CRITICAL|ALERT|EMERGENCY\")"
      aligner  = "ALIGN_DELTA"
      by       = ["resource.label.service_name"]
    }
  }

  # Lines that should not be there at all.
  sightings = {
    # From the line of each pass, in functions/cleanup/cleaner.py.
    orphans = {
      title    = "documents of users who do not exist"
      severity = "ERROR"
      filter   = "${local.services} AND jsonPayload.logger=\"functions.cleanup.cleaner\" AND (jsonPayload.deleted.orphans>0 OR jsonPayload.deleted.\"orphaned lookups\">0)"
    }
  }

  page = "What it means and what to do: docs/operations/incidents/%s.md in the repository."
}
