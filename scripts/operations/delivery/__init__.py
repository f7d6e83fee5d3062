"""The stages by which a new version reaches those who use it."""
