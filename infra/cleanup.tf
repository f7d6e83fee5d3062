# What starts the cleanup: the schedule publishes to a topic, whose subscription pushes to the function.
#
# The subscription is ours instead of an event trigger's, for that could be given no dead-letter topic.

resource "google_pubsub_topic" "cleanup" {
  name = "cleanup"

  depends_on = [google_project_service.apis]
}

resource "google_pubsub_topic" "dead_letters" {
  name = "cleanup-dead-letters"

  depends_on = [google_project_service.apis]
}

resource "google_pubsub_subscription" "cleanup" {
  name  = "cleanup"
  topic = google_pubsub_topic.cleanup.id

  # Longer than the function may take: else a message is delivered again while it is worked on.
  ack_deadline_seconds = local.functions.cleanup.timeout_s + 30

  push_config {
    push_endpoint = "${module.function["cleanup"].url}/"

    oidc_token {
      service_account_email = google_service_account.cleanup_trigger.email
      audience              = module.function["cleanup"].url
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letters.id
    max_delivery_attempts = 20 # with those pauses, almost three hours
  }

  expiration_policy {
    ttl = "" # never
  }
}

# Keeps them to be looked at.
resource "google_pubsub_subscription" "dead_letters" {
  name                       = "cleanup-dead-letters"
  topic                      = google_pubsub_topic.dead_letters.id
  message_retention_duration = "604800s" # 7 days

  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub itself moves a message there: it publishes the one and takes the other away.
# https://cloud.google.com/pubsub/docs/handling-failures#grant_forwarding_permissions
locals {
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic_iam_member" "forwards_dead_letters" {
  topic  = google_pubsub_topic.dead_letters.id
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent

  # Google makes that account when Pub/Sub is used, and nobody is granted anything before they are there.
  # https://cloud.google.com/iam/docs/create-service-agents
  depends_on = [google_pubsub_subscription.cleanup]
}

resource "google_pubsub_subscription_iam_member" "takes_dead_letters" {
  subscription = google_pubsub_subscription.cleanup.id
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

# Whom the function lets in.
resource "google_service_account" "cleanup_trigger" {
  account_id   = "cleanup-trigger"
  display_name = "Pushes messages to the cleanup"
}

resource "google_cloud_run_v2_service_iam_member" "cleanup_trigger" {
  name     = module.function["cleanup"].name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.cleanup_trigger.member
}

# It sends for its own next part.
resource "google_pubsub_topic_iam_member" "cleanup_sends_for_more" {
  topic  = google_pubsub_topic.cleanup.id
  role   = "roles/pubsub.publisher"
  member = google_service_account.services["cleanup"].member
}

resource "google_cloud_scheduler_job" "cleanup" {
  name        = "cleanup"
  region      = var.region
  description = "Deletes what has expired, and what is left of deleted accounts"
  schedule    = "0 * * * *"
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.cleanup.id
    attributes = { trigger = "schedule" } # a message needs something in it
  }

  retry_config {
    retry_count = 3
  }

  lifecycle {
    ignore_changes = [paused] # by ./scripts/cleanup pause, during an import for instance
  }

  depends_on = [google_project_service.apis]
}
