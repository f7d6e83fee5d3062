# One service account per service, with the roles that its code needs. Comments at the grants name the
# permissions that a role has beyond that.

resource "google_service_account" "services" {
  for_each = local.services

  account_id   = "liftlog-${each.key}"
  display_name = "LiftLog: ${each.key}"

  depends_on = [google_project_service.apis]
}

# Reading, writing and deleting all documents of the databases that the service uses. IAM has no permission
# per collection: a database is the smallest unit. So `ai` and `chat`, which use only rate limits and verified
# purchases, can also reach users, events and inboxes. RATE_LIMIT_DATABASE moves the rate limits to a separate
# database, which only `ai`, `chat` and `cleanup` reach. Verified purchases stay in FIRESTORE_DATABASE, so
# `ai` and `chat` need both. `backup` uses no database.
#
# The condition excludes every other database of the project, such as one restored for inspection. (default) is
# included beside a restored database: while traffic moves, some revisions still use it.
# https://cloud.google.com/firestore/docs/manage-databases (per-database access)
resource "google_project_iam_member" "database" {
  for_each = {
    for service, settings in local.settings_of : service => settings
    if contains(local.services[service].settings, "database")
  }

  project = var.project
  role    = "roles/datastore.user"
  member  = google_service_account.services[each.key].member

  # Each change below replaces the grant, even a change of the title: IAM identifies a grant by its condition.
  condition {
    title       = "databases of ${each.key}"
    description = "Those that serve, and that of the rate limits if it is another"
    expression = join(" || ", [
      for database in setunion(module.firestore.databases, compact([lookup(each.value, "RATE_LIMIT_DATABASE", null)])) :
      "resource.name == \"projects/${var.project}/databases/${database}\""
    ])
  }

  lifecycle {
    create_before_destroy = true # otherwise the service has no access between the old grant and the new
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

# Delete the moved blocks after every environment has been deployed with them.
moved {
  from = google_project_iam_member.store
  to   = google_project_iam_member.database
}
