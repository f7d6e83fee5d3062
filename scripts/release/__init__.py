"""Releases: build, plan, apply, smoke test, canary, rollback."""
