# An account for each service, which may do what that service does, and nothing else.

resource "google_service_account" "services" {
  for_each = local.concerns_of

  account_id   = "liftlog-${each.key}"
  display_name = "LiftLog: ${each.key}"

  depends_on = [google_project_service.apis]
}

resource "google_project_iam_member" "store" {
  for_each = google_service_account.services

  project = var.project
  role    = "roles/datastore.user"
  member  = each.value.member
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
