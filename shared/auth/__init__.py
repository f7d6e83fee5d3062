"""Who is asking: passwords and signing in."""
