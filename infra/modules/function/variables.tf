variable "name" {
  description = "The function's name, and that of the Cloud Run service behind it."
  type        = string
}

variable "region" {
  description = "Where it runs."
  type        = string
}

variable "account" {
  description = "The e-mail address of the service account that it runs as."
  type        = string
}

variable "build_account" {
  description = "The id of the service account that builds it."
  type        = string
}

variable "images" {
  description = "The id of the repository that its images go to."
  type        = string
}

variable "archive" {
  description = "Where its source is: made by ./scripts/package."
  type        = object({ bucket = string, object = string })
}

variable "settings" {
  description = "Its environment variables."
  type        = map(string)
}

variable "concurrency" {
  description = "How many requests an instance takes at a time. The platform's default is 1, with which nothing is gained by async code."
  type        = number

  validation {
    condition     = var.concurrency > 1 && var.concurrency <= 1000
    error_message = "Between 2 and 1000."
  }
}

variable "memory" {
  description = "Memory of an instance, as 512Mi."
  type        = string
}

variable "timeout_s" {
  description = "How long a request may take."
  type        = number

  validation {
    condition     = var.timeout_s > 0 && var.timeout_s <= 3600
    error_message = "Between 1 and 3600 seconds."
  }
}

variable "min_instances" {
  description = "How many instances are kept while nobody asks."
  type        = number
}

variable "max_instances" {
  description = "How many instances there may be: the bound of what it can cost."
  type        = number
}

variable "is_public" {
  description = "Whether anybody may call it. Who calls is checked by the function itself, by the contract."
  type        = bool
}
