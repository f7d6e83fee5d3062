"""Creating, reading, replacing and deleting users."""
