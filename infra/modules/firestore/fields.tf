# Overrides of Firestore's default for a field, which is an ascending and a descending index.
# https://cloud.google.com/firestore/docs/query-data/index-overview, https://cloud.google.com/firestore/docs/ttl

locals {
  # A restored database gets the same overrides and backup schedules as the original.
  databases = toset([google_firestore_database.this.name, var.serving_database])

  unindexed = {
    for field in flatten([
      for database in local.databases : [
        for collection, c in var.collections : [
          for name in c.unindexed : { database = database, collection = collection, name = name }
        ]
      ]
    ]) : "${field.database}/${field.collection}/${field.name}" => field
  }

  expiring = {
    for field in flatten([
      for database in local.databases : [
        for collection, c in var.collections : [
          { database = database, collection = collection, name = c.ttl_field, per_user = c.per_user }
        ] if c.ttl_field != null
      ]
    ]) : "${field.database}/${field.collection}/${field.name}" => field
  }
}

resource "google_firestore_field" "unindexed" {
  for_each = local.unindexed

  database   = each.value.database
  collection = each.value.collection
  field      = each.value.name

  # An empty block removes all indexes of the field.
  index_config {}
}

resource "google_firestore_field" "expiring" {
  for_each = local.expiring

  database   = each.value.database
  collection = each.value.collection
  field      = each.value.name

  ttl_config {}

  # The cleanup queries expired documents. In a root collection the default indexes serve the query. Below users
  # it needs an index over all collections of the same name. An override replaces the default indexes, so
  # it lists them again.
  dynamic "index_config" {
    for_each = each.value.per_user ? [each.value] : []

    content {
      indexes {
        order       = "ASCENDING"
        query_scope = "COLLECTION"
      }
      indexes {
        order       = "DESCENDING"
        query_scope = "COLLECTION"
      }
      indexes {
        order       = "ASCENDING"
        query_scope = "COLLECTION_GROUP"
      }
    }
  }
}
