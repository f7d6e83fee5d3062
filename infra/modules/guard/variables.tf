variable "preview_only" {
  description = "Whether rules only log the requests that they would reject. Use it to check a new rule against real traffic."
  type        = bool
}
