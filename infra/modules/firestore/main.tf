resource "google_firestore_database" "this" {
  name        = "(default)" # only the default database has a free tier
  location_id = var.location
  type        = "FIRESTORE_NATIVE"

  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = "DELETE_PROTECTION_ENABLED"
  deletion_policy                   = "ABANDON" # a removed resource block leaves the database in place

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_firestore_backup_schedule" "daily" {
  for_each = local.databases

  database  = each.key
  retention = "604800s" # 7 days

  daily_recurrence {}
}

resource "google_firestore_backup_schedule" "weekly" {
  for_each = local.databases

  database  = each.key
  retention = "2419200s" # 4 weeks

  weekly_recurrence {
    day = "SUNDAY"
  }
}
