"""Fakes of third parties, for development and tests on this machine."""
