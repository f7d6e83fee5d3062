variable "location" {
  description = "Where the documents lie: a region or multi-region. It cannot be changed later."
  type        = string
}

variable "serving_database" {
  description = "The database that the services use: (default), or one that was restored and belongs to nobody here."
  type        = string
}

variable "collections" {
  description = "Every collection: whether it is below users, the field by which documents expire, the fields that are never asked for."
  type = map(object({
    per_user  = optional(bool, false)
    ttl_field = optional(string)
    unindexed = optional(list(string), [])
  }))
}
