"""Publishing and reading events."""
