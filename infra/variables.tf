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
}

variable "serving_database" {
  description = "The database that the services use; another than (default) is one that was restored beside it."
  type        = string
  default     = "(default)"
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

variable "held" {
  description = "Services whose new revisions get no traffic by themselves: ./scripts/deploy lets it over, step by step."
  type        = set(string)
  default     = []
}

variable "min_instances" {
  description = "How many instances of a service are kept while nobody asks; 0 for those that are not named."
  type        = map(number)
  default     = {}
}

variable "max_instances" {
  description = "How many instances of a service there may be, for those that are not to have the usual number."
  type        = map(number)
  default     = {}
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
    condition = alltrue([for name in var.secrets : contains(
      ["APPLE_PRIVATE_KEY", "APPLE_SHARED_SECRET", "OPENAI_API_KEY", "REVENUECAT_API_KEY", "WEB_AUTH_KEY"], name
    )])
    error_message = "There is no secret of that name; see local.secrets_of in secrets.tf."
  }
}

variable "settings" {
  description = "What this environment wants different from settings.tf: variables and their values, by service, or by `all`."
  type        = map(map(string))
  default     = {}
}
