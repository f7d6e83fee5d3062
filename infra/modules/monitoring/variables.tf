variable "project" {
  description = "The environment's project."
  type        = string
}

variable "email" {
  description = "Who gets the alerts."
  type        = string
}

variable "domain" {
  description = "The domain that apps call."
  type        = string
}

variable "addresses" {
  description = "The hosts of the services that anybody may call, by their names."
  type        = map(string)
}

variable "dead_letters" {
  description = "The subscription that keeps messages of the cleanup which failed too often."
  type        = string
}

variable "thresholds" {
  description = "From where on an alert is sent; see alerts.tf for what each is."
  type = object({
    error_share         = optional(number, 0.05)
    latency_ms          = optional(number, 2000)
    plan_ms             = optional(number, 90000)
    model_failure_share = optional(number, 0.2)
    locations_down      = optional(number, 1)
  })
  default = {}
}
