# The front end: one IP address, HTTPS, and a redirect from HTTP.

resource "google_compute_global_address" "this" {
  name = "liftlog"

  lifecycle {
    prevent_destroy = true # the domain's A record points to it
  }
}

resource "google_compute_managed_ssl_certificate" "this" {
  # A managed certificate cannot be changed. The hash of the domain in its name lets Terraform create the
  # certificate of another domain before it deletes this one.
  name = "liftlog-${substr(sha256(var.domain), 0, 8)}"

  managed {
    domains = [var.domain]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_ssl_policy" "this" {
  name            = "liftlog"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_target_https_proxy" "this" {
  name             = "liftlog"
  url_map          = google_compute_url_map.https.id
  ssl_certificates = [google_compute_managed_ssl_certificate.this.id]
  ssl_policy       = google_compute_ssl_policy.this.id
}

resource "google_compute_global_forwarding_rule" "https" {
  name                  = "liftlog-https"
  target                = google_compute_target_https_proxy.this.id
  ip_address            = google_compute_global_address.this.id
  port_range            = "443"
  load_balancing_scheme = "EXTERNAL_MANAGED"
}

resource "google_compute_url_map" "redirect" {
  name = "liftlog-redirect"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "PERMANENT_REDIRECT" # 308: the client repeats a POST as a POST
    strip_query            = false
  }
}

resource "google_compute_target_http_proxy" "this" {
  name    = "liftlog-redirect"
  url_map = google_compute_url_map.redirect.id
}

resource "google_compute_global_forwarding_rule" "http" {
  name                  = "liftlog-http"
  target                = google_compute_target_http_proxy.this.id
  ip_address            = google_compute_global_address.this.id
  port_range            = "80"
  load_balancing_scheme = "EXTERNAL_MANAGED"
}
