# Start of the cleanup: the scheduler publishes to a topic, and its subscription pushes to the function.
#
# The subscription is declared here, because the subscription of an event trigger cannot have a dead-letter topic.

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

  # Above the function's timeout: otherwise Pub/Sub delivers a message again while the function handles it.
  ack_deadline_seconds = local.services.cleanup.limits.timeout_s + 30

  push_config {
    push_endpoint = "${module.function["cleanup"].url}/"

    # Cloud Run accepts only a token whose audience is the URL of the service.
    oidc_token {
      service_account_email = google_service_account.cleanup_trigger.email
      audience              = module.function["cleanup"].url
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  # With this backoff, 20 attempts take almost three hours. The function itself drops a message after one hour,
  # so an outage of Firestore makes no dead letters.
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letters.id
    max_delivery_attempts = 20
  }

  expiration_policy {
    ttl = "" # never: by default a subscription is deleted after 31 days without activity
  }
}

# Keeps dead letters for an operator, for seven days.
resource "google_pubsub_subscription" "dead_letters" {
  name                       = "cleanup-dead-letters"
  topic                      = google_pubsub_topic.dead_letters.id
  message_retention_duration = "604800s" # 7 days

  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub's own service account moves dead letters: it publishes to one topic and acknowledges in the other.
# https://cloud.google.com/pubsub/docs/handling-failures#grant_forwarding_permissions
locals {
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic_iam_member" "dead_letter_publisher" {
  topic  = google_pubsub_topic.dead_letters.id
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent

  # Google creates that account when Pub/Sub is first used. A grant to a missing account fails.
  # https://cloud.google.com/iam/docs/create-service-agents
  depends_on = [google_pubsub_subscription.cleanup]
}

resource "google_pubsub_subscription_iam_member" "dead_letter_subscriber" {
  subscription = google_pubsub_subscription.cleanup.id
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

# The only account that may call the function.
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

resource "google_cloud_scheduler_job" "cleanup" {
  name        = "cleanup"
  region      = var.region
  description = "Deletes expired documents and the remains of deleted users"
  schedule    = "0 * * * *"
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.cleanup.id
    attributes = { trigger = "schedule" } # Pub/Sub rejects a message without data and attributes
  }

  retry_config {
    retry_count = 3
  }

  lifecycle {
    ignore_changes = [paused] # ./scripts/cleanup pauses the job, for example during an import
  }

  depends_on = [google_project_service.apis]
}

# Delete the moved blocks after every environment has been deployed with them.
moved {
  from = google_pubsub_topic_iam_member.forwards_dead_letters
  to   = google_pubsub_topic_iam_member.dead_letter_publisher
}

moved {
  from = google_pubsub_subscription_iam_member.takes_dead_letters
  to   = google_pubsub_subscription_iam_member.dead_letter_subscriber
}
