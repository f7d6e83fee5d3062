"""Workout plans and conversations from a language model."""
