variable "project" {
  description = "Id of the environment's project."
  type        = string
}

variable "project_number" {
  description = "Number of the environment's project."
  type        = string
}

variable "region" {
  description = "Region of the builds."
  type        = string
}

variable "environment" {
  description = "Environment that a build releases to."
  type        = string
}

variable "repository" {
  description = "Repository of the releases, as in the root module; null: releases are made from a terminal only."
  type        = object({ connection = string, name = string, id = string, workflow = string })
}

variable "accounts" {
  description = "Resource names of the service accounts that the deployer deploys as. `trigger` is the account that calls the cleanup."
  type        = map(string)
}

variable "operators" {
  description = "People and groups that make releases from a terminal, for example user:name@example.com."
  type        = set(string)
}

variable "buckets" {
  description = "Names of the buckets that releases manage, by any key."
  type        = map(string)
}
