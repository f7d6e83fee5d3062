"""Purchases: from a purchase token to a subscriber."""
