variable "environment" {
  description = "Which environment this is; each has a project of its own."
  type        = string

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "The environment is dev, staging or prod."
  }
}

variable "project" {
  description = "The id of the environment's Google Cloud project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project id has 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Where functions and the chat run: us-central1, for instance."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region looks like us-central1."
  }
}

variable "firestore_location" {
  description = "Where the documents lie: a region, or the multi-regions nam5 and eur3. It cannot be changed later."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+(-[a-z]+)?[0-9]+$", var.firestore_location))
    error_message = "A location looks like us-central1, nam5 or eur3: https://cloud.google.com/firestore/docs/locations"
  }
}

variable "serving_database" {
  description = "The database that the services use; another than (default) is one that was restored beside it."
  type        = string
  default     = "(default)"

  validation {
    condition     = can(regex("^(\\(default\\)|[a-z][a-z0-9-]{2,61}[a-z0-9])$", var.serving_database))
    error_message = "A database is called (default), or has 4 to 63 lower-case letters, digits and hyphens."
  }
}

variable "packages_file" {
  description = "What ./scripts/package has written of the archives: their paths and hashes."
  type        = string
  default     = "../build/packages.json"
}

variable "chat_image" {
  description = "The image of the chat, with its digest. Empty while there is none: then there is no chat."
  type        = string
  default     = ""

  validation {
    condition     = var.chat_image == "" || strcontains(var.chat_image, "@sha256:")
    error_message = "The image has to be named by its digest: a tag may mean something else tomorrow."
  }
}

variable "min_instances" {
  description = "How many instances of a service are kept while nobody asks; 0 for those that are not named."
  type        = map(number)
  default     = {}

  validation {
    condition     = alltrue([for service in keys(var.min_instances) : contains(keys(local.concerns_of), service)])
    error_message = "There is no service of that name."
  }
  validation {
    condition     = alltrue([for count in values(var.min_instances) : count == floor(count) && count >= 0 && count <= 10])
    error_message = "Between 0 and 10: each is paid for day and night."
  }
}

variable "max_instances" {
  description = "How many instances of a service there may be, for those that are not to have the usual number."
  type        = map(number)
  default     = {}

  validation {
    condition     = alltrue([for service in keys(var.max_instances) : contains(keys(local.concerns_of), service)])
    error_message = "There is no service of that name."
  }
  validation {
    condition     = alltrue([for count in values(var.max_instances) : count == floor(count) && count >= 1 && count <= 100])
    error_message = "Between 1 and 100, which is what a project has by default."
  }
}

variable "secrets" {
  description = "The secrets that have a value, by their variables; the others are made, but no service is told of them."
  type        = set(string)
  default = [
    "APPLE_PRIVATE_KEY",
    "APPLE_SHARED_SECRET",
    "OPENAI_API_KEY",
    "REVENUECAT_API_KEY",
    "WEB_AUTH_KEY",
  ]

  validation {
    condition     = alltrue([for name in var.secrets : contains(local.all_secrets, name)])
    error_message = "There is no secret of that name; see local.secrets_of in secrets.tf."
  }
}

variable "settings" {
  description = "What this environment wants different from settings.tf: variables and their values, by service, or by `all`."
  type        = map(map(string))
  default     = {}

  validation {
    condition = alltrue(flatten([
      for service, settings in var.settings : [
        for name in keys(settings) : contains(service == "all" ? flatten(values(local.read_by)) : lookup(local.read_by, service, []), name)
      ]
    ]))
    error_message = "Nobody of that name reads that: services and their variables are in settings.tf. Secrets are no settings."
  }
}
