output "databases" {
  description = "The databases that serve, or may serve again."
  value       = local.databases
}
