"""Clients of other services: HTTP and Secret Manager."""
