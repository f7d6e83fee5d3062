variable "environment" {
  description = "Name of the environment. Each environment has its own project."
  type        = string

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "Set `environment` to dev, staging or prod."
  }
}

variable "project" {
  description = "Id of the environment's Google Cloud project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project id has 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Region of the services, for example us-central1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region has the form us-central1."
  }
}

variable "firestore_location" {
  description = "Location of the database: a region, or the multi-region nam5 or eur3. It cannot be changed later."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+(-[a-z]+)?[0-9]+$", var.firestore_location))
    error_message = "A location has the form us-central1, nam5 or eur3: https://cloud.google.com/firestore/docs/locations"
  }
}

variable "serving_database" {
  description = "Database that the services use. After a restore, the name of the restored database."
  type        = string
  default     = "(default)"

  validation {
    condition     = can(regex("^(\\(default\\)|[a-z][a-z0-9-]{2,61}[a-z0-9])$", var.serving_database))
    error_message = "A database name is (default), or has 4 to 63 lower-case letters, digits and hyphens."
  }
}

variable "packages_file" {
  description = "Path of the file in which ./scripts/package lists the archives with their hashes."
  type        = string
  default     = "../build/packages.json"
}

variable "chat_image" {
  description = "Image of the chat with its digest. Empty before the first image is pushed: then no chat is created."
  type        = string
  default     = ""

  validation {
    condition     = var.chat_image == "" || strcontains(var.chat_image, "@sha256:")
    error_message = "Name the image by its digest (@sha256:...). A tag can point to another image tomorrow."
  }
}

# A map instead of an object: Terraform would drop a misspelt attribute of an object without an error.
variable "instances" {
  description = "Number of instances by service. `min` (default 0) are kept without traffic and are billed; `max` replaces the limit in services.tf."
  type        = map(map(number))
  default     = {}

  validation {
    condition     = alltrue([for service in keys(var.instances) : contains(keys(local.services), service)])
    error_message = "`instances` has an unknown service. Services: ${join(", ", keys(local.services))}."
  }
  validation {
    condition     = alltrue([for each in values(var.instances) : length(setsubtract(keys(each), ["min", "max"])) == 0])
    error_message = "`instances` has an unknown bound. Bounds: min, max."
  }
  validation {
    condition     = alltrue([for each in values(var.instances) : contains(range(0, 11), lookup(each, "min", 0))])
    error_message = "Set `min` to a whole number from 0 to 10. Each instance is billed day and night."
  }
  validation {
    condition     = alltrue([for each in values(var.instances) : contains(range(1, 101), lookup(each, "max", 1))])
    error_message = "Set `max` to a whole number from 1 to 100. A project has a quota of 100 instances by default."
  }
}

variable "secrets" {
  description = "Secrets that have a value, by their environment variables; null: all. The other secrets are created, but no service gets a reference to them."
  type        = set(string)
  default     = null

  validation {
    condition     = var.secrets == null || alltrue([for name in coalesce(var.secrets, []) : contains(local.all_secrets, name)])
    error_message = "`secrets` has an unknown name. Secrets: ${join(", ", local.all_secrets)}."
  }
}

variable "backups_kms_key" {
  description = "Key of Cloud KMS that encrypts the backups of users; null: Google's own keys. docs/operations/backup-and-restore.md has the grant that it needs."
  type        = string
  default     = null

  validation {
    condition     = var.backups_kms_key == null || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.backups_kms_key))
    error_message = "A key has the form projects/P/locations/L/keyRings/R/cryptoKeys/K."
  }
}

variable "settings" {
  description = "Values that replace those of settings.tf: variables and values by service, or under `all` for every service that reads the variable."
  type        = map(map(string))
  default     = {}

  validation {
    condition = alltrue(flatten([
      for service, settings in var.settings : [
        for name in keys(settings) : contains(service == "all" ? flatten(values(local.read_by)) : lookup(local.read_by, service, []), name)
      ]
    ]))
    error_message = "`settings` has an unknown service, or a variable that the service does not read. See services.tf and settings.tf. Set secrets with ./scripts/secrets instead."
  }
  validation {
    condition     = !anytrue([for name in flatten([for settings in values(var.settings) : keys(settings)]) : startswith(name, "FORWARD_AUTH_")])
    error_message = "Forward auth cannot be used on Google Cloud. The load balancer passes a client's own header on, and the immediate peer of a service is always Google's, so any client could name any user. Use API keys: ./scripts/secrets set API_KEYS."
  }
  validation {
    condition     = length(setintersection(keys(local.settings.features), flatten([for service, settings in var.settings : keys(settings) if service != "all"]))) == 0
    error_message = "Set the switches of features under `all`. With a switch for one service, GET /features would contradict the services: ${join(", ", keys(local.settings.features))}."
  }
  validation {
    condition     = length(setintersection(local.fixed, flatten([for settings in values(var.settings) : keys(settings)]))) == 0
    error_message = "Terraform computes ${join(", ", local.fixed)}: remove them from `settings`. To switch a feature off, set the variable that ends with _ENABLED."
  }
}

variable "domain" {
  description = "Domain that the apps call, without https://."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)+$", var.domain))
    error_message = "A domain has the form api.example.com."
  }
}

variable "old_service_host" {
  description = "Host of the old service, without https://. Empty if there is no old service."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^$|^[a-z0-9-]+(\\.[a-z0-9-]+)+$", var.old_service_host))
    error_message = "A host has the form old.example.com."
  }
}

variable "guard_preview_only" {
  description = "Whether Cloud Armor only logs the requests that its rules would reject."
  type        = bool
  default     = false
}

variable "alert_email" {
  description = "Email address that receives the alerts."
  type        = string

  validation {
    condition     = can(regex("^[^@ ]+@[^@ ]+$", var.alert_email))
    error_message = "Set `alert_email` to one address, for example operations@example.com."
  }
}

variable "billing_account" {
  description = "Billing account of the budget, for example 012345-6789AB-CDEF01."
  type        = string

  validation {
    condition     = can(regex("^[0-9A-F]{6}(-[0-9A-F]{6}){2}$", var.billing_account))
    error_message = "A billing account has the form 012345-6789AB-CDEF01."
  }
}

variable "budget" {
  description = "Budget of a month in whole units of the billing account's currency; null: no budget."
  type        = object({ units = number, currency = string })
  default     = null
}

variable "repository" {
  description = "Repository of the releases; null: releases are made from a terminal only. `connection`: resource name in Cloud Build; `name`: owner/name; `id`: number; `workflow`: file that may start a release."
  type        = object({ connection = string, name = string, id = string, workflow = string })
  default     = null

  validation {
    condition     = var.repository == null || can(regex("^[\\w.-]+/[\\w.-]+$", var.repository.name))
    error_message = "A repository name has the form owner/name."
  }
  validation {
    condition     = var.repository == null || can(regex("^[0-9]+$", var.repository.id))
    error_message = "A repository id is a number: gh api repos/OWNER/NAME --jq .id"
  }
  validation {
    condition     = var.repository == null || can(regex("^\\.github/workflows/[\\w.-]+\\.ya?ml$", var.repository.workflow))
    error_message = "A workflow has the form .github/workflows/release.yml."
  }
}

variable "operators" {
  description = "People and groups that make releases from a terminal, for example user:name@example.com."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.operators : can(regex("^(user|group|serviceAccount):[^@ ]+@[^@ ]+$", member))])
    error_message = "An operator has the form user:name@example.com or group:name@example.com."
  }
}
