# Overrides of what Firestore does with a field by itself, which is to index it both ways.
# https://cloud.google.com/firestore/docs/query-data/index-overview, https://cloud.google.com/firestore/docs/ttl

locals {
  # What a restored database serves with has to be as the one that it was made of.
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

  # Empty: no index at all.
  index_config {}
}

resource "google_firestore_field" "expiring" {
  for_each = local.expiring

  database   = each.value.database
  collection = each.value.collection
  field      = each.value.name

  ttl_config {}

  # The cleanup asks for what has expired: in a collection at the top by the indexes that are there
  # anyway, below all users by one that spans them. An override replaces those, so it has them, too.
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
