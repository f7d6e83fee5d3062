# An account for each service, which may do what that service does, and nothing else.

resource "google_service_account" "services" {
  for_each = local.concerns_of

  account_id   = "liftlog-${each.key}"
  display_name = "LiftLog: ${each.key}"

  depends_on = [google_project_service.apis]
}

# Of the databases that it serves from, and of no other that is in the project: one that was restored to
# be looked at, for instance. While traffic moves to a restored one, some revisions still use the old.
# https://cloud.google.com/firestore/docs/manage-databases (per-database access)
resource "google_project_iam_member" "store" {
  for_each = local.settings_of

  project = var.project
  role    = "roles/datastore.user"
  member  = google_service_account.services[each.key].member

  condition {
    title       = "databases of ${each.key}"
    description = "Those that serve, and that of the rate limits if it is another"
    expression = join(" || ", [
      for database in setunion(module.firestore.databases, compact([lookup(each.value, "RATE_LIMIT_DATABASE", null)])) :
      "resource.name == \"projects/${var.project}/databases/${database}\""
    ])
  }

  lifecycle {
    create_before_destroy = true # another condition is another grant; in between nobody could read
  }
}

resource "google_project_iam_member" "telemetry" {
  for_each = {
    for pair in setproduct(
      [for service, is_exporting in local.exporting : service if is_exporting],
      ["roles/telemetry.tracesWriter", "roles/telemetry.metricsWriter"],
    ) : "${pair[0]} ${pair[1]}" => { service = pair[0], role = pair[1] }
  }

  project = var.project
  role    = each.value.role
  member  = google_service_account.services[each.value.service].member
}
