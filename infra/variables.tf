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

variable "domain" {
  description = "The domain that apps call, without https://."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)+$", var.domain))
    error_message = "A domain looks like api.example.com."
  }
}

variable "old_service_host" {
  description = "The host of the service that this one takes over from, without https://; empty: there is none."
  type        = string
  default     = ""
}

variable "new_shares" {
  description = "How much of each family's requests the new services get at first, in percent; later ./scripts/traffic decides."
  type        = map(number)
  default     = { users = 0, events = 0, social = 0, sharing = 0, ai = 0, chat = 0 }

  validation {
    condition     = alltrue([for share in values(var.new_shares) : share >= 0 && share <= 100])
    error_message = "A share is between 0 and 100."
  }
  validation {
    condition     = contains([0, 100], lookup(var.new_shares, "chat", 0))
    error_message = "The chat moves as a whole, 0 or 100: a talk has to meet the server that it was negotiated with."
  }
}

variable "guard_only_watches" {
  description = "Whether Cloud Armor only counts what its rules would refuse."
  type        = bool
  default     = false
}

variable "alert_email" {
  description = "Who gets the alerts."
  type        = string
}

variable "billing_account" {
  description = "The billing account that the budget belongs to, as 012345-6789AB-CDEF01."
  type        = string
}

variable "budget" {
  description = "What a month may cost before mails are sent, in whole units of the billing account's currency; null: no budget."
  type        = object({ units = number, currency = string })
  default     = null
}

variable "repository" {
  description = "Where releases come from: the resource name of the repository's connection to Cloud Build, and its owner/name; null: releases are made from a terminal."
  type        = object({ connection = string, name = string })
  default     = null
}

variable "operators" {
  description = "Who releases from a terminal: as user:somebody@example.com."
  type        = set(string)
  default     = []
}
