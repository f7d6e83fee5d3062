# The bucket of the backups that users upload. They contain workouts in clear text.

locals {
  backups_bucket = "${var.project}-user-backups" # "backups" alone would suggest those of the database
}

resource "google_storage_bucket" "backups" {
  name                        = local.backups_bucket
  location                    = var.region # not firestore_location: `backup` runs in this region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # No rule deletes by age. `backup` keeps the newest BACKUP_KEEP backups of a user at any age, and a rule cannot
  # count the backups of one user. This rule is a last resort for uploads in parts, which our code does not make:
  # an incomplete one would be billed without being listed.
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }

  # After an error in the retention of `backup`, an operator can restore what it deleted. Seven days is the
  # shortest time that Cloud Storage allows, and a deleted backup is billed until then. Versions would have no
  # such end. The time cannot be shortened for one object.
  # https://cloud.google.com/storage/docs/soft-delete
  soft_delete_policy {
    retention_duration_seconds = 7 * 24 * 3600
  }
  versioning {
    enabled = false
  }

  dynamic "encryption" {
    for_each = var.backups_kms_key[*]

    content {
      default_kms_key_name = encryption.value
    }
  }

  lifecycle {
    prevent_destroy = true
  }

  depends_on = [google_project_service.apis]
}

# Creating, reading, listing and deleting objects, and setting their metadata. Beyond its need, `backup` can move
# objects, restore deleted ones, and manage folders. The role has no permission on the bucket itself.
# https://cloud.google.com/storage/docs/access-control/iam-roles
resource "google_storage_bucket_iam_member" "backups" {
  bucket = google_storage_bucket.backups.name
  role   = "roles/storage.objectUser"
  member = google_service_account.services["backup"].member
}
