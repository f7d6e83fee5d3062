variable "region" {
  description = "Region of the services."
  type        = string
}

variable "domain" {
  description = "Domain that the apps call."
  type        = string
}

variable "old_service_host" {
  description = "Host of the old service; empty if there is none."
  type        = string
}

variable "paths" {
  description = "Path prefixes of each service, without the first slash and /v2."
  type        = map(list(string))
}

variable "traffic_split" {
  description = "Percent of each service's requests that the new service gets. The old service gets the rest."
  type        = map(number)
}

variable "security_policy" {
  description = "Id of the Cloud Armor policy for all backends."
  type        = string
}
