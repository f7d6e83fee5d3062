"""Limits on the requests of a subscriber."""
