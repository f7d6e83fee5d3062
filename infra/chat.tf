# The chat is a container, because functions do not support WebSockets.
# https://cloud.google.com/run/docs/triggering/websockets

locals {
  chat_limits = local.services["chat"].limits
}

resource "google_cloud_run_v2_service" "chat" {
  count = var.chat_image == "" ? 0 : 1

  name                = "chat"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_ALL" # installed apps call the service's own address too
  deletion_protection = true

  template {
    service_account                  = google_service_account.services["chat"].email
    timeout                          = "${local.chat_limits.timeout_s}s"
    max_instance_request_concurrency = local.chat_limits.concurrency

    # A negotiation is valid on every instance, so a client need not reach the same one again.
    session_affinity = false

    scaling {
      min_instance_count = local.instances["chat"].min
      max_instance_count = local.instances["chat"].max
    }

    containers {
      image = var.chat_image

      ports {
        container_port = 8080
      }

      resources {
        limits = {
          cpu    = "1"
          memory = local.chat_limits.memory
        }
        cpu_idle          = true # CPU is billed only during requests; an open socket is a request
        startup_cpu_boost = true
      }

      startup_probe {
        period_seconds    = 1
        timeout_seconds   = 1
        failure_threshold = 30
        http_get {
          path = "/health"
        }
      }
      # Not /health/ready, which checks Firestore: a restart would not help, and it would end all conversations.
      liveness_probe {
        period_seconds    = 30
        timeout_seconds   = 5
        failure_threshold = 3
        http_get {
          path = "/health"
        }
      }

      dynamic "env" {
        for_each = local.settings_of["chat"]

        content {
          name  = env.key
          value = env.value
        }
      }
    }
  }

  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }

  lifecycle {
    # ./scripts/deploy and ./scripts/rollback set the traffic split. An update sends the split that the plan
    # has read. So ./scripts/deploy refuses to apply a plan if the split has changed since.
    ignore_changes = [traffic, client, client_version]
  }

  depends_on = [google_project_service.apis]
}

resource "google_cloud_run_v2_service_iam_member" "chat_public" {
  count = length(google_cloud_run_v2_service.chat)

  name     = google_cloud_run_v2_service.chat[count.index].name
  location = var.region
  role     = "roles/run.invoker"
  member   = "allUsers"
}

# Delete the moved blocks after every environment has been deployed with them.
moved {
  from = google_cloud_run_v2_service_iam_member.chat_for_everybody
  to   = google_cloud_run_v2_service_iam_member.chat_public
}
