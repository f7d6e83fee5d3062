# Checks of each public service, and of the domain, from several regions of the world.

resource "google_monitoring_uptime_check_config" "ready" {
  for_each = merge(var.hosts, { domain = var.domain })

  display_name = "ready: ${each.key}"
  period       = "300s"
  timeout      = "10s" # longer than a cold start

  http_check {
    path         = "/health/ready"
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project
      host       = each.value
    }
  }
}
