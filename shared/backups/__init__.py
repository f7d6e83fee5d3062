"""Backups of users' phones: places that keep them, encryption and retention."""
