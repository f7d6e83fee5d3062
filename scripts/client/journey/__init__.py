"""`./scripts/journey`: two users, Alice and Bob, use each feature as the apps do."""
