# The environment variables of the services, in groups; services.tf lists the groups of each service. Every
# setting of the code is here with the code's default, so an operator finds all of them in one place. null: not
# set. The environment's file overrides values in `settings`.

locals {
  settings = {
    process = {
      GOOGLE_CLOUD_PROJECT        = var.project
      LOG_FORMAT                  = "json"
      TELEMETRY_EXPORT            = "off"
      TELEMETRY_REGION            = var.region
      OTEL_EXPORTER_OTLP_ENDPOINT = null # URL of a collector, for TELEMETRY_EXPORT=otlp
    }
    # The switches are for all services together. `computed` computes the other two.
    features = {
      FEED_ENABLED          = "True"
      SHARING_ENABLED       = "True"
      AI_PLANNER_ENABLED    = "True"
      BACKUP_ENABLED        = "True"
      AI_PLANNER_CONFIGURED = null
      BACKUP_CONFIGURED     = null
    }
    database = {
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
      CLEANUP_S           = "240" # below the function's timeout and the subscription's ack deadline
      CLEANUP_PAGE_SIZE   = "100"
      CLEANUP_PATROL_SIZE = "300"
    }
    counts = {
      RATE_LIMIT_DATABASE = null # null: rate limits are in FIRESTORE_DATABASE
    }
    secrets = {
      SECRET_REFRESH_S = "300"
      SECRET_TIMEOUT_S = "5"
    }
    callers = {} # API_KEYS is a secret. Forward auth is refused: see the variable `settings`
    backups = {
      BACKUP_BUCKET      = local.backups_bucket
      BACKUP_KEEP        = "30"
      BACKUP_KEEP_DAYS   = "90"
      BACKUP_QUOTA_BYTES = "1073741824" # 1 GiB for each user
      BACKUP_STORAGE_URL = "https://storage.googleapis.com/"
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
      APPLE_ALLOW_SANDBOX       = "True" # Apple's reviewers buy in the sandbox
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
      OPENAI_BASE_URL       = "https://api.openai.com/v1"
      OPENAI_MODEL          = "gpt-4o"
      OPENAI_SILENCE_S      = "30"
      OPENAI_RETRIES        = "2"
      OPENAI_CONTEXT_TOKENS = "128000"
      OPENAI_MAX_TOKENS     = "12000"
      OPENAI_DEADLINE_S     = "120"
    }
    chat = {
      CHAT_HOST            = "0.0.0.0"
      CHAT_MESSAGES_WEB    = "2000"
      CHAT_MESSAGES_MOBILE = "200"
      CHAT_GRACE_S         = "7"    # the platform kills a process ten seconds after SIGTERM
      CHAT_LONGEST_S       = "3400" # the platform closes a connection after an hour
    }
  }

  # Variables whose values follow from other parts of infra/.
  fixed = ["AI_PLANNER_CONFIGURED", "BACKUP_BUCKET", "BACKUP_CONFIGURED"]

  # Variables that a service accepts: those of its groups, and OpenTelemetry's own.
  read_by = {
    for name, service in local.services : name => concat(
      flatten([for group in service.settings : keys(local.settings[group])]),
      ["OTEL_BSP_SCHEDULE_DELAY", "OTEL_METRIC_EXPORT_INTERVAL"],
    )
  }

  # The values in the environment's file. A value for one service overrides a value for all, which reaches only the
  # services that read the variable.
  overrides = {
    for name in keys(local.services) : name => merge(
      { for variable, value in lookup(var.settings, "all", {}) : variable => value if contains(local.read_by[name], variable) },
      lookup(var.settings, name, {}),
    )
  }

  # Whether a feature has everything that it needs. Every public service gets these values: `users` answers
  # GET /features for the domain, and it must agree with the services that do the work.
  computed = {
    # The code needs a key for any OPENAI_BASE_URL. A model server that needs none accepts any value.
    AI_PLANNER_CONFIGURED = alltrue([for name in ["ai", "chat"] : contains(local.secrets_of[name], "OPENAI_API_KEY")])
    # Without an API key no user can sign in to `backup`.
    BACKUP_CONFIGURED = contains(local.secrets_of["backup"], "API_KEYS")
  }

  # The last argument of `merge` wins.
  settings_of = {
    for name, service in local.services : name => {
      for variable, value in merge(
        merge([for group in service.settings : local.settings[group]]...),
        { for variable, value in local.computed : variable => title(tostring(value)) if contains(service.settings, "features") },
        { for variable in local.secrets_of[name] : variable => "sm://${local.secret_ids[variable]}" },
        local.overrides[name],
      ) : variable => value if value != null
    }
  }

  # Only a service that exports telemetry to Google Cloud gets the roles for it.
  exporting = {
    for service, settings in local.settings_of : service => settings["TELEMETRY_EXPORT"] == "google"
  }
}
