# What nobody but machines does, refused before it costs anything.
#
# A mobile carrier lets thousands of phones out by one address, so the numbers are many times of what one
# person does: they bound a script, not a crowd. Each backend service counts for itself.
# https://cloud.google.com/armor/docs/rate-limiting-overview

locals {
  # The rules compare what the servers compare: the path decoded once, in lower case, with any number of
  # slashes, since /user/%63reate and //USER/Create/ reach POST /user/create too. The order matters: %43 is an
  # upper-case letter only after decoding. No end is given, so whatever follows is within the rate as well; more
  # than the route itself cannot be reached that way. `matches` looks for an RE2 pattern anywhere in the text.
  # https://cloud.google.com/armor/docs/configure-security-policies (path traversal and normalization)
  path = "request.path.urlDecode().lower()"

  throttles = {
    # Once in the life of an installation; each makes two documents that stay.
    "accounts" = {
      priority   = 1000
      requests   = 60
      interval_s = 600
      expression = "request.method == 'POST' && ${local.path}.matches('^/+(v2/+)?user/+create')"
    }
    # Anybody may write into an inbox without a password.
    "inboxes" = {
      priority   = 1100
      requests   = 120
      interval_s = 60
      expression = "request.method == 'PUT' && ${local.path}.matches('^/+(v2/+)?inbox')"
    }
    "everything" = {
      priority   = 2000
      requests   = 1200
      interval_s = 60
      expression = null
    }
  }

  # A picture of 2,000 KiB in base64, with the rest of a profile; each route has a tighter bound itself.
  largest_body_bytes = 4 * 1024 * 1024
}

resource "google_compute_security_policy" "this" {
  name        = "liftlog"
  description = "Rates per address, and the size of bodies"
  type        = "CLOUD_ARMOR"

  rule {
    description = "no request is that large"
    priority    = 500
    action      = "deny(403)" # there is no deny(413)
    preview     = var.only_watches
    match {
      expr {
        expression = "has(request.headers['content-length']) && int(request.headers['content-length']) > ${local.largest_body_bytes}"
      }
    }
  }

  dynamic "rule" {
    for_each = local.throttles

    content {
      description = "so many of one address: ${rule.key}"
      priority    = rule.value.priority
      action      = "throttle"
      preview     = var.only_watches
      match {
        versioned_expr = rule.value.expression == null ? "SRC_IPS_V1" : null

        dynamic "config" {
          for_each = rule.value.expression == null ? ["*"] : []

          content {
            src_ip_ranges = [config.value]
          }
        }
        dynamic "expr" {
          for_each = rule.value.expression == null ? [] : [rule.value.expression]

          content {
            expression = expr.value
          }
        }
      }
      rate_limit_options {
        conform_action = "allow"
        exceed_action  = "deny(429)"
        enforce_on_key = "IP"
        rate_limit_threshold {
          count        = rule.value.requests
          interval_sec = rule.value.interval_s
        }
      }
    }
  }

  rule {
    description = "everybody else"
    priority    = 2147483647
    action      = "allow"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}
