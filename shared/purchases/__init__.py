"""Verification of purchase tokens."""
