variable "region" {
  description = "Where the services run."
  type        = string
}

variable "domain" {
  description = "The domain that apps call."
  type        = string
}

variable "old_service_host" {
  description = "The name of the host that serves the old service; empty: there is none."
  type        = string
}

variable "paths" {
  description = "How the paths of each service begin, without the first slash and /v2."
  type        = map(list(string))
}

variable "shares" {
  description = "How much of each service's requests it gets itself, in percent; the rest is the old service's."
  type        = map(number)
}

variable "security_policy" {
  description = "The Cloud Armor policy in front of everything."
  type        = string
}
