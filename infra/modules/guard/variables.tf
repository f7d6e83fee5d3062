variable "only_watches" {
  description = "Whether requests that a rule would refuse are only counted, to see whom it would hit."
  type        = bool
}
