# What every service is told: all settings that the code reads (docs/configuration.md), by the concern
# they belong to, and who has which concern. Values are the code's own defaults, so that one sees here
# what can be turned. null: not set. An environment changes them by var.settings.

locals {
  settings = {
    process = {
      GOOGLE_CLOUD_PROJECT        = var.project
      LOG_FORMAT                  = "json"
      TELEMETRY_EXPORT            = "off"
      TELEMETRY_REGION            = var.region
      OTEL_EXPORTER_OTLP_ENDPOINT = null # of a collector, if TELEMETRY_EXPORT is otlp
    }
    store = {
      FIRESTORE_DATABASE          = var.serving_database
      FIRESTORE_ATTEMPT_TIMEOUT_S = "3"
      FIRESTORE_RETRY_FOR_S       = "2"
      FIRESTORE_LONGEST_WAIT_S    = "5"
    }
    passwords = {
      PASSWORD_REMEMBERED     = "10000"
      PASSWORD_REMEMBERED_S   = "600"
      PASSWORD_LONGEST_WAIT_S = "10"
    }
    inbox = {
      INBOX_RETENTION_DAYS = "90"
    }
    cleanup = {
      CLEANUP_S           = "240" # below the function's timeout and its subscription's deadline
      CLEANUP_PAGE_SIZE   = "100"
      CLEANUP_PATROL_SIZE = "300"
    }
    counts = {
      RATE_LIMIT_DATABASE = null # the same as everything else
    }
    secrets = {
      SECRET_REFRESH_S = "300"
      SECRET_TIMEOUT_S = "5"
    }
    purchases = {
      PURCHASE_GOOD_S           = "1800"
      PURCHASE_REFUSED_S        = "60"
      PURCHASE_TRUSTED_S        = "86400"
      PURCHASE_REMEMBERED       = "10000"
      PURCHASE_TIMEOUT_S        = "5"
      GOOGLE_PLAY_PACKAGE       = "com.limajuice.liftlog"
      GOOGLE_PLAY_PRODUCT       = "pro"
      GOOGLE_PLAY_URL           = "https://androidpublisher.googleapis.com/"
      APPLE_BUNDLE_ID           = "com.limajuice.liftlog"
      APPLE_PRODUCT             = "pro"
      APPLE_ALLOW_SANDBOX       = "True" # Apple's reviewers buy there
      APPLE_ISSUER_ID           = null
      APPLE_KEY_ID              = null
      APPLE_RECEIPT_URL         = "https://buy.itunes.apple.com/verifyReceipt"
      APPLE_SANDBOX_RECEIPT_URL = "https://sandbox.itunes.apple.com/verifyReceipt"
      APPLE_API_URL             = "https://api.storekit.apple.com/"
      APPLE_SANDBOX_API_URL     = "https://api.storekit-sandbox.apple.com/"
      REVENUECAT_PROJECT        = null
      REVENUECAT_ENTITLEMENT    = null
      REVENUECAT_URL            = "https://api.revenuecat.com/"
    }
    limits = {
      RATE_LIMIT_WEB              = "100"
      RATE_LIMIT_MOBILE           = "20"
      RATE_LIMIT_WHEN_UNAVAILABLE = "refuse"
      TEST_MODE                   = "False"
    }
    model = {
      OPENAI_BASE_URL   = "https://api.openai.com/v1"
      OPENAI_MODEL      = "gpt-4o"
      OPENAI_SILENCE_S  = "30"
      OPENAI_RETRIES    = "2"
      OPENAI_MAX_TOKENS = "12000"
      OPENAI_DEADLINE_S = "120"
    }
    chat = {
      CHAT_HOST            = "0.0.0.0"
      CHAT_MESSAGES_WEB    = "2000"
      CHAT_MESSAGES_MOBILE = "200"
      CHAT_GRACE_S         = "7"    # the platform waits for ten seconds
      CHAT_LONGEST_S       = "3400" # the platform cuts after an hour
    }
  }

  concerns_of_feeds       = ["process", "store", "passwords"]
  concerns_of_subscribers = ["process", "store", "secrets", "purchases", "counts", "limits", "model"]
  concerns_of = {
    users   = local.concerns_of_feeds
    events  = local.concerns_of_feeds
    social  = concat(local.concerns_of_feeds, ["inbox"])
    sharing = local.concerns_of_feeds
    ai      = local.concerns_of_subscribers
    chat    = concat(local.concerns_of_subscribers, ["chat"])
    cleanup = ["process", "store", "cleanup", "counts"]
  }

  # What may be told to a service: what its concerns read, and OpenTelemetry's own.
  read_by = {
    for service, concerns in local.concerns_of : service => concat(
      flatten([for concern in concerns : keys(local.settings[concern])]),
      ["OTEL_BSP_SCHEDULE_DELAY", "OTEL_METRIC_EXPORT_INTERVAL"],
    )
  }

  settings_of = {
    for service, concerns in local.concerns_of : service => {
      for name, value in merge(
        merge([for concern in concerns : local.settings[concern]]...),
        { for variable in lookup(local.secrets_of, service, []) : variable => local.references[variable] if contains(var.secrets, variable) },
        # What all are to have, only those get that read it.
        { for name, value in lookup(var.settings, "all", {}) : name => value if contains(local.read_by[service], name) },
        lookup(var.settings, service, {}),
      ) : name => value if value != null
    }
  }

  # Metrics and spans need the right to be written only where they are.
  exporting = {
    for service, settings in local.settings_of : service => settings["TELEMETRY_EXPORT"] == "google"
  }
}
