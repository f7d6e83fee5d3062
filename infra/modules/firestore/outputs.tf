output "databases" {
  description = "Databases that serve or may serve again: (default), and a restored one."
  value       = local.databases
}
