"""Formats and limits of requests and responses."""
