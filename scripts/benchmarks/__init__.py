"""Measurements. They print counts and ratios, and fail at no limit."""
