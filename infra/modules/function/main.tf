resource "google_cloudfunctions2_function" "this" {
  name     = var.name
  location = var.region

  build_config {
    runtime         = "python313"
    entry_point     = "main"
    service_account = var.build_account

    # Of the same project and region, as the platform asks for.
    docker_repository = var.images

    source {
      storage_source {
        bucket = var.archive.bucket
        object = var.archive.object
      }
    }
  }

  service_config {
    service_account_email = var.account

    # Both belong together: more than one request at a time takes a whole CPU.
    # https://cloud.google.com/functions/docs/configuring/concurrency
    max_instance_request_concurrency = var.concurrency
    available_cpu                    = "1"
    available_memory                 = var.memory
    timeout_seconds                  = var.timeout_s
    min_instance_count               = var.min_instances
    max_instance_count               = var.max_instances

    environment_variables = merge(var.settings, {
      # The platform sets the second by itself. Without the first, that one silences every logger
      # which a module makes while it is imported.
      FUNCTION_USE_ASGI = "true"
      LOG_EXECUTION_ID  = "true"
    })

    # Apps call it by its own address, too.
    ingress_settings = "ALLOW_ALL"

    # False keeps the traffic split of the Cloud Run service; true moves all traffic to each new revision.
    # The split must name a revision: a split to "latest" also moves. So ./scripts/deploy pins the traffic
    # before each plan. The provider sends false since 7.32.0. See docs/decisions/releases.md.
    all_traffic_on_latest_revision = false
  }
}

resource "google_cloud_run_v2_service_iam_member" "everybody" {
  count = var.is_public ? 1 : 0

  name     = google_cloudfunctions2_function.this.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "allUsers"
}
