"""Administration of an environment: traffic split, secrets, cleanup."""
