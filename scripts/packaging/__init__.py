"""Packages: the deployed files of each service, as an archive."""
