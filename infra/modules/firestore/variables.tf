variable "location" {
  description = "Location of the database: a region or multi-region. It cannot be changed later."
  type        = string
}

variable "serving_database" {
  description = "Database that the services use: (default), or a restored database, which Terraform does not manage."
  type        = string
}

variable "collections" {
  description = "All collections. `per_user`: below each user; `ttl_field`: field of the expiry; `unindexed`: fields that no query uses."
  type = map(object({
    per_user  = optional(bool, false)
    ttl_field = optional(string)
    unindexed = optional(list(string), [])
  }))
}
