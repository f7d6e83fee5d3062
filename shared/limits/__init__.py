"""Rate limits of subscribers."""
