# The table of alerts. Each alert has a page in docs/operations/incidents with its meaning and the first steps.
# policies.tf makes a policy of each row: from `query` (PromQL), `threshold` (a metric of Google) or `log_filter`.

locals {
  requests  = "run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\"}"
  failures  = "run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\",response_code_class=\"5xx\"}"
  latencies = "run_googleapis_com:request_latencies_bucket{monitored_resource=\"cloud_run_revision\",%s}"
  too_slow  = "histogram_quantile(0.95, sum by (service_name, le) (rate(${local.latencies}[10m]))) > %d"

  # The number of log lines in a window. `sum_over_time`, because `increase` gives too little if most minutes
  # have no line. `vector(0)`, because a metric without any line has no series to compare.
  lines = "(sum(sum_over_time(%s${local.of_services}[%s])) or vector(0))"

  # Own metrics are queried in PromQL. Other conditions reject a metric for up to ten minutes after Terraform has
  # created it, so the first release would fail.
  # https://github.com/hashicorp/terraform-provider-google/issues/11102
  query_alerts = {
    # At least five failures: at night, one failed request of a few would exceed the threshold.
    error-rate = {
      title    = "a service returns too many 5xx responses"
      severity = "CRITICAL"
      duration = "300s"
      query    = <<-EOT
        sum by (service_name) (rate(${local.failures}[10m]))
          / sum by (service_name) (rate(${local.requests}[10m])) > ${var.thresholds.error_share}
        and sum by (service_name) (increase(${local.failures}[10m])) >= 5
      EOT
    }
    # Without the chat, whose requests are whole conversations, and the cleanup, for which no user waits. The
    # duration of an upload to `backup` depends on the phone's connection.
    latency = {
      title    = "a service responds slowly"
      severity = "WARNING"
      duration = "600s"
      query    = <<-EOT
        (
          ${format(local.too_slow, "service_name!~\"ai|backup|chat|cleanup\"", var.thresholds.latency_ms)}
          or
          ${format(local.too_slow, "service_name=\"ai\"", var.thresholds.plan_ms)}
        )
        and sum by (service_name) (increase(${local.requests}[10m])) >= 20
      EOT
    }
    # A run starts every hour. One hour without a complete run is normal: in a new environment, and when a run
    # takes longer than the one before. Two hours are not.
    cleanup-not-run = {
      title    = "the cleanup has not run for two hours"
      severity = "WARNING"
      duration = "3900s"
      query    = "${format(local.lines, local.own.cleanup_runs, "1h")} == 0"
    }
    # A share, because a busy day has more failures. At least five, because a quiet night has few requests.
    model-failures = {
      title    = "too many model requests fail"
      severity = "ERROR"
      duration = "0s"
      query    = <<-EOT
        ${format(local.lines, local.own.model_failures, "15m")}
          / (${format(local.lines, local.own.model_failures, "15m")} + ${format(local.lines, local.own.model_replies, "15m")})
          > ${var.thresholds.model_failure_share}
        and ${format(local.lines, local.own.model_failures, "15m")} >= 5
      EOT
    }
    # A number instead of a share, because a server with few users has a few uploads per hour. The app repeats an
    # upload that failed, so one failure loses nothing.
    backup-failures = {
      title    = "backups of users fail"
      severity = "ERROR"
      duration = "0s"
      query    = "${format(local.lines, local.own.backup_failures, "1h")} >= ${var.thresholds.backup_failures}"
    }
  }

  threshold_alerts = {
    # The alert stays open until an operator has handled the message and removed it from the subscription.
    cleanup-dead-letters = {
      title      = "the cleanup has dead letters"
      severity   = "WARNING"
      auto_close = "3600s"
      threshold = {
        filter   = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${var.dead_letters}\""
        above    = 0
        duration = "0s"
        period   = "300s"
        aligner  = "ALIGN_MAX"
        reducer  = "REDUCE_SUM"
        group_by = []
      }
    }
    code-errors = {
      title      = "a log line of severity ERROR"
      severity   = "ERROR"
      auto_close = "3600s"
      threshold = {
        filter   = "metric.type=\"logging.googleapis.com/log_entry_count\" AND ${local.services} AND metric.labels.severity=monitoring.regex.full_match(\"ERROR|CRITICAL|ALERT|EMERGENCY\")"
        above    = 0
        duration = "0s"
        period   = "300s"
        aligner  = "ALIGN_DELTA"
        reducer  = "REDUCE_SUM"
        group_by = ["resource.label.service_name"]
      }
    }
    # Counts the regions whose last check failed. One region alone may have a local network problem.
    not-ready = {
      title      = "a service or the domain is not ready"
      severity   = "CRITICAL"
      auto_close = "1800s"
      threshold = {
        filter   = "metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND resource.type=\"uptime_url\""
        above    = var.thresholds.locations_down
        duration = "300s"
        period   = "600s"
        aligner  = "ALIGN_NEXT_OLDER"
        reducer  = "REDUCE_COUNT_FALSE"
        group_by = ["resource.label.host"]
      }
    }
  }

  log_alerts = {
    # Reads the line of each pass in functions/cleanup/cleaner.py. Deleted users leave no documents, so orphans
    # mean that a deletion was incomplete.
    orphans = {
      title      = "documents of users who do not exist"
      severity   = "ERROR"
      auto_close = "3600s"
      log_filter = "${local.services} AND jsonPayload.logger=\"functions.cleanup.cleaner\" AND (jsonPayload.deleted.orphans>0 OR jsonPayload.deleted.\"orphaned lookups\">0)"
    }
  }

  alerts = merge(local.query_alerts, local.threshold_alerts, local.log_alerts)

  page = "Open docs/operations/incidents/%s.md in the repository. It has the meaning of this alert and the next steps."
}
