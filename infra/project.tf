# The base of the environment: APIs, image repositories, and the bucket of the archives.

locals {
  apis = [
    "artifactregistry.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudscheduler.googleapis.com",
    "compute.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
    "androidpublisher.googleapis.com", # purchases of Google Play
    "billingbudgets.googleapis.com",
    "sts.googleapis.com", # workload identity federation
    "telemetry.googleapis.com",
  ]
}

resource "google_project_service" "apis" {
  for_each = toset(local.apis)

  service            = each.key
  disable_on_destroy = false # other software in the project may use the API
}

data "google_project" "this" {
  project_id = var.project
}

# Two repositories, because the build of a function runs code of its dependencies. That code must not be able to
# replace the image of the chat.
resource "google_artifact_registry_repository" "images" {
  for_each = {
    images    = "Images of the chat, pushed by ./scripts/deploy"
    functions = "Images of the functions, pushed by the platform"
  }

  repository_id = each.key
  location      = var.region
  format        = "DOCKER"
  description   = each.value

  # The ten newest versions of each image stay at any age: the serving version is one of them.
  # https://cloud.google.com/artifact-registry/docs/repositories/cleanup-policy-overview
  cleanup_policies {
    id     = "keep-newest"
    action = "KEEP"
    most_recent_versions {
      keep_count = 10
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "7776000s" # 90 days
    }
  }

  depends_on = [google_project_service.apis]
}

resource "google_storage_bucket" "sources" {
  name                        = "${var.project}-sources"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # Earlier versions of traffic.json and releases.json stay readable.
  versioning {
    enabled = true
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = 90
    }
  }
  lifecycle {
    prevent_destroy = true # it contains the traffic split
  }

  depends_on = [google_project_service.apis]
}
