"""Workout plans, made by a language model."""
