"""Shared items."""
