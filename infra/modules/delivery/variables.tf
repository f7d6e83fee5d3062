variable "project" {
  description = "The environment's project."
  type        = string
}

variable "project_number" {
  description = "Its number."
  type        = string
}

variable "region" {
  description = "Where the builds run."
  type        = string
}

variable "environment" {
  description = "Which environment is released to."
  type        = string
}

variable "repository" {
  description = "Where releases come from: the repository's connection to Cloud Build, its owner/name, its number, and the file of the workflow that may start one; null: from a terminal."
  type        = object({ connection = string, name = string, id = string, workflow = string })
}

variable "accounts" {
  description = "The names of the accounts that services and builds run as; `trigger` is that of the cleanup's trigger."
  type        = map(string)
}

variable "operators" {
  description = "Who else releases, from a terminal: as user:somebody@example.com."
  type        = set(string)
}

variable "buckets" {
  description = "The names of the buckets that releases write to, by any key."
  type        = map(string)
}
