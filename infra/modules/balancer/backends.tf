# The backends. A backend refers to a service by name: it follows every revision, and it can be created before
# the service. Google rejects `timeout_sec` for serverless backends: the load balancer waits up to 60 minutes, so
# the timeout of each service is the limit.
# https://cloud.google.com/load-balancing/docs/negs/serverless-neg-concepts

resource "google_compute_region_network_endpoint_group" "services" {
  for_each = var.paths

  name                  = each.key
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = each.key
  }
}

resource "google_compute_backend_service" "services" {
  for_each = google_compute_region_network_endpoint_group.services

  name                  = each.key
  protocol              = "HTTPS"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  security_policy       = var.security_policy

  backend {
    group = each.value.id
  }

  # URLs contain user ids, and those of the chat contain tokens.
  log_config {
    enable = false
  }
}

# The old service: a host on the internet.
# https://cloud.google.com/load-balancing/docs/negs/internet-neg-concepts

resource "google_compute_global_network_endpoint_group" "old" {
  count = local.has_old_service ? 1 : 0

  name                  = "old-service"
  network_endpoint_type = "INTERNET_FQDN_PORT"
  default_port          = 443
}

resource "google_compute_global_network_endpoint" "old" {
  count = local.has_old_service ? 1 : 0

  global_network_endpoint_group = google_compute_global_network_endpoint_group.old[0].name
  fqdn                          = var.old_service_host
  port                          = 443
}

resource "google_compute_backend_service" "old" {
  count = local.has_old_service ? 1 : 0

  name                  = "old-service"
  protocol              = "HTTPS"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  security_policy       = var.security_policy
  timeout_sec           = 3600 # its WebSockets stay open for up to an hour

  # Without this header the old service would get our domain as the host, and might not serve it.
  custom_request_headers = ["Host: ${var.old_service_host}"]

  backend {
    group = google_compute_global_network_endpoint_group.old[0].id
  }

  log_config {
    enable = false
  }

  lifecycle {
    create_before_destroy = true # orders the removal: the URL map drops the backend before it is deleted
  }
}
