variable "project" {
  description = "Id of the environment's project."
  type        = string
}

variable "email" {
  description = "Email address that receives the alerts."
  type        = string
}

variable "domain" {
  description = "Domain that the apps call."
  type        = string
}

variable "hosts" {
  description = "Hosts of the public services, by service."
  type        = map(string)
}

variable "dead_letters" {
  description = "Subscription that keeps the cleanup's dead letters."
  type        = string
}

variable "thresholds" {
  description = "Values above which an alert opens; see alerts.tf for the meaning of each."
  type = object({
    error_share         = optional(number, 0.05)
    latency_ms          = optional(number, 2000)
    plan_ms             = optional(number, 90000)
    model_failure_share = optional(number, 0.2)
    locations_down      = optional(number, 1)
    backup_failures     = optional(number, 3)
  })
  default = {}
}
