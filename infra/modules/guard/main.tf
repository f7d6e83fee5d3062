# Rejects requests that no app sends, before they reach a service and cost money.
#
# Thousands of phones share one address of a mobile carrier. So each rate is many times that of one person: it
# stops a script but no group of people. Each backend service counts separately.
# https://cloud.google.com/armor/docs/rate-limiting-overview

locals {
  # The rules compare the same text as the servers: the path decoded once, in lower case, with any number of
  # slashes, because /user/%63reate and //USER/Create/ also reach POST /user/create. The order matters: %43 is
  # an upper-case letter only after decoding. The pattern has no end, so longer paths count too; they reach no
  # other route. `matches` searches for an RE2 pattern anywhere in the text.
  # https://cloud.google.com/armor/docs/configure-security-policies (path traversal and normalization)
  path = "request.path.urlDecode().lower()"

  # The path of an upload, and no other path: /backups and /backup/latest have no large body. The servers ignore
  # slashes and a line feed at the end.
  is_backup = "${local.path}.matches('^/+(v2/+)?backup[/\\n]*$')"

  throttles = {
    # An app creates one account per installation. Each account leaves two documents that never expire.
    "accounts" = {
      priority   = 1000
      requests   = 60
      interval_s = 600
      expression = "request.method == 'POST' && ${local.path}.matches('^/+(v2/+)?user/+create')"
    }
    # Anyone may write into an inbox without a password.
    "inboxes" = {
      priority   = 1100
      requests   = 120
      interval_s = 60
      expression = "request.method == 'PUT' && ${local.path}.matches('^/+(v2/+)?inbox')"
    }
    # An app uploads a backup when it comes to the foreground, if its data has changed. An upload has up to 32 MB.
    "backups" = {
      priority   = 1200
      requests   = 120
      interval_s = 60
      expression = "request.method == 'POST' && ${local.is_backup}"
    }
    # The matching rule with the lowest number decides, so this rule for all requests comes after the others.
    "everything" = {
      priority   = 2000
      requests   = 1200
      interval_s = 60
      expression = null
    }
  }

  # `has` comes first: most requests have no body, and int() of a missing header fails.
  is_larger_than = "has(request.headers['content-length']) && int(request.headers['content-length']) > %d"

  # Each route has its own lower limit, with the status of the contract: Cloud Armor has no deny(413).
  max_bodies = {
    # A profile with a picture of 2,000 KiB in base64, and a reserve.
    "body too large" = {
      priority   = 500
      expression = "${format(local.is_larger_than, 4 * 1024 * 1024)} && !${local.is_backup}"
    }
    # `backup` accepts 32,000,000 bytes, and Cloud Run 32 MiB.
    # https://cloud.google.com/run/quotas (maximum request size)
    "backup too large" = {
      priority   = 510
      expression = format(local.is_larger_than, 32 * 1024 * 1024)
    }
  }
}

resource "google_compute_security_policy" "this" {
  name        = "liftlog"
  description = "Limits of request rate per address, and of body size"
  type        = "CLOUD_ARMOR"

  dynamic "rule" {
    for_each = local.max_bodies

    content {
      description = rule.key
      priority    = rule.value.priority
      action      = "deny(403)"
      preview     = var.preview_only
      match {
        expr {
          expression = rule.value.expression
        }
      }
    }
  }

  dynamic "rule" {
    for_each = local.throttles

    content {
      description = "rate per address: ${rule.key}"
      priority    = rule.value.priority
      action      = "throttle"
      preview     = var.preview_only
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

  # Every policy needs this default rule, with exactly this priority.
  rule {
    description = "all other requests"
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
