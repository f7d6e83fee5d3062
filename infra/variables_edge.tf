# What is around the services: the domain and the old service, who is told, and who releases.

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

  validation {
    condition     = can(regex("^$|^[a-z0-9-]+(\\.[a-z0-9-]+)+$", var.old_service_host))
    error_message = "A host looks like old.example.com."
  }
}

variable "new_shares" {
  description = "How much of each family's requests the new services get at first, in percent; later ./scripts/traffic decides."
  type        = map(number)
  default     = { users = 0, events = 0, social = 0, sharing = 0, ai = 0, chat = 0 }

  validation {
    condition     = toset(keys(var.new_shares)) == toset(["users", "events", "social", "sharing", "ai", "chat"])
    error_message = "Every family has a share: users, events, social, sharing, ai and chat."
  }
  validation {
    condition     = alltrue([for share in values(var.new_shares) : share == floor(share) && share >= 0 && share <= 100])
    error_message = "A share is a whole number between 0 and 100."
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

  validation {
    condition     = can(regex("^[^@ ]+@[^@ ]+$", var.alert_email))
    error_message = "One address, as operations@example.com."
  }
}

variable "billing_account" {
  description = "The billing account that the budget belongs to, as 012345-6789AB-CDEF01."
  type        = string

  validation {
    condition     = can(regex("^[0-9A-F]{6}(-[0-9A-F]{6}){2}$", var.billing_account))
    error_message = "A billing account looks like 012345-6789AB-CDEF01."
  }
}

variable "budget" {
  description = "What a month may cost before mails are sent, in whole units of the billing account's currency; null: no budget."
  type        = object({ units = number, currency = string })
  default     = null
}

variable "repository" {
  description = "Where releases come from. `connection`: the repository's resource name in Cloud Build; `name`: owner/name; `id`: its number; `workflow`: the file that may start a release. null: releases are made from a terminal."
  type        = object({ connection = string, name = string, id = string, workflow = string })
  default     = null

  validation {
    condition     = var.repository == null || can(regex("^[\\w.-]+/[\\w.-]+$", var.repository.name))
    error_message = "A repository's name looks like owner/name."
  }
  validation {
    condition     = var.repository == null || can(regex("^[0-9]+$", var.repository.id))
    error_message = "A repository's id is a number: gh api repos/OWNER/NAME --jq .id"
  }
  validation {
    condition     = var.repository == null || can(regex("^\\.github/workflows/[\\w.-]+\\.ya?ml$", var.repository.workflow))
    error_message = "A workflow looks like .github/workflows/release.yml."
  }
}

variable "operators" {
  description = "Who releases from a terminal: as user:somebody@example.com."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for who in var.operators : can(regex("^(user|group|serviceAccount):[^@ ]+@[^@ ]+$", who))])
    error_message = "People are written as user:somebody@example.com, groups as group:somebody@example.com."
  }
}
