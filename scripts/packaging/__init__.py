"""Packages: what is deployed of each service, as an archive."""
