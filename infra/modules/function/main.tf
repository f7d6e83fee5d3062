resource "google_cloudfunctions2_function" "this" {
  name     = var.name
  location = var.region

  build_config {
    runtime         = "python313"
    entry_point     = "main"
    service_account = var.build.account

    # Cloud Functions accepts only a repository in the function's own project and region.
    docker_repository = var.build.repository

    source {
      storage_source {
        bucket = var.build.bucket
        object = var.build.object
      }
    }
  }

  service_config {
    service_account_email = var.account

    # A concurrency above 1 needs a whole CPU.
    # https://cloud.google.com/functions/docs/configuring/concurrency
    max_instance_request_concurrency = var.limits.concurrency
    available_cpu                    = "1"
    available_memory                 = var.limits.memory
    timeout_seconds                  = var.limits.timeout_s
    min_instance_count               = var.instances.min
    max_instance_count               = var.instances.max

    environment_variables = merge(var.settings, {
      # The platform sets LOG_EXECUTION_ID itself. Without FUNCTION_USE_ASGI, LOG_EXECUTION_ID disables every
      # logger that a module creates during import.
      FUNCTION_USE_ASGI = "true"
      LOG_EXECUTION_ID  = "true"
    })

    # Installed apps call the function's own address as well as the domain.
    ingress_settings = "ALLOW_ALL"

    # False keeps the traffic split of the Cloud Run service; true moves all traffic to each new revision. If
    # the split names "latest" instead of a revision, a new revision still gets all traffic. Therefore
    # ./scripts/deploy pins the traffic before each plan. The provider sends false since 7.32.0.
    # docs/decisions/releases.md has the reasons.
    all_traffic_on_latest_revision = false
  }
}

resource "google_cloud_run_v2_service_iam_member" "public" {
  count = var.is_public ? 1 : 0

  name     = google_cloudfunctions2_function.this.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "allUsers"
}

# Delete the moved blocks after every environment has been deployed with them.
moved {
  from = google_cloud_run_v2_service_iam_member.everybody
  to   = google_cloud_run_v2_service_iam_member.public
}
