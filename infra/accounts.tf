# An account for each service, with the roles that its code needs. Comments at the grants name what a role
# grants beyond that.

resource "google_service_account" "services" {
  for_each = local.concerns_of

  account_id   = "liftlog-${each.key}"
  display_name = "LiftLog: ${each.key}"

  depends_on = [google_project_service.apis]
}

# All documents of the databases that the service uses: reading, writing, deleting. A database is the smallest
# unit that IAM knows in Firestore, there is no right to a collection. So `ai` and `chat`, which use rate limits
# and verified purchases alone, can also reach accounts, events and inboxes. RATE_LIMIT_DATABASE takes the rate
# limits to a database of their own, which only `ai`, `chat` and `cleanup` reach; verified purchases stay in
# FIRESTORE_DATABASE, so `ai` and `chat` need both.
#
# The condition leaves out every other database of the project, such as one restored for inspection. (default) is
# reached beside a restored one: while traffic moves, some revisions still use it.
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
