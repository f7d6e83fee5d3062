variable "name" {
  description = "Name of the function and of its Cloud Run service."
  type        = string
}

variable "region" {
  description = "Region of the function."
  type        = string
}

variable "account" {
  description = "Email address of the service account that the function runs as."
  type        = string
}

variable "build" {
  description = "Build of the function: id of the service account, id of the image repository, bucket and object of the archive from ./scripts/package."
  type        = object({ account = string, repository = string, bucket = string, object = string })
}

variable "settings" {
  description = "Environment variables of the function."
  type        = map(string)
}

variable "limits" {
  description = "Limits of one instance. `concurrency` is the number of parallel requests; the platform's default of 1 would make async code useless."
  type        = object({ concurrency = number, timeout_s = number, memory = string })

  validation {
    condition     = var.limits.concurrency > 1 && var.limits.concurrency <= 1000
    error_message = "Set `concurrency` to a number from 2 to 1000."
  }
  validation {
    condition     = var.limits.timeout_s > 0 && var.limits.timeout_s <= 3600
    error_message = "Set `timeout_s` to a number from 1 to 3600."
  }
}

variable "instances" {
  description = "Number of instances. `min` are kept without traffic and are billed; `max` limits the cost."
  type        = object({ min = number, max = number })
}

variable "is_public" {
  description = "Whether callers need no IAM permission. The function itself authenticates them, as the contract defines."
  type        = bool
}
