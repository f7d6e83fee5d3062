"""Workout plans for subscribers."""
