# The chat: a container of its own, since functions do not speak WebSockets.
# https://cloud.google.com/run/docs/triggering/websockets

resource "google_cloud_run_v2_service" "chat" {
  count = var.chat_image == "" ? 0 : 1

  name                = "chat"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_ALL"
  deletion_protection = true

  template {
    service_account = google_service_account.services["chat"].email

    # A socket is one request for as long as it is open: an hour is the most there is, and each holds
    # one of these places.
    timeout                          = "3600s"
    max_instance_request_concurrency = 1000

    # A negotiation is good for any instance, so nobody has to come back to the same one.
    session_affinity = false

    scaling {
      min_instance_count = lookup(var.min_instances, "chat", 0)
      max_instance_count = lookup(var.max_instances, "chat", 20)
    }

    containers {
      image = var.chat_image

      ports {
        container_port = 8080
      }

      resources {
        limits = {
          cpu    = "1"
          memory = "512Mi"
        }
        cpu_idle          = true # an open socket is a request: there is CPU while somebody is connected
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
    # ./scripts/deploy and ./scripts/rollback set the traffic. An update sends the traffic as it was at the
    # plan, so `apply` refuses a plan from before a change of it.
    ignore_changes = [traffic, client, client_version]
  }

  depends_on = [google_project_service.apis]
}

resource "google_cloud_run_v2_service_iam_member" "chat_for_everybody" {
  count = length(google_cloud_run_v2_service.chat)

  name     = google_cloud_run_v2_service.chat[count.index].name
  location = var.region
  role     = "roles/run.invoker"
  member   = "allUsers"
}
