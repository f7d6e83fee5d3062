"""Measurements: they print counts and ratios, and judge nothing."""
