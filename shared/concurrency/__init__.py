"""Limits on concurrent work, and work that requests share."""
