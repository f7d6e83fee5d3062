"""Follow secrets and the inbox."""
