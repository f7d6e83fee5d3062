"""Users: creating, reading, replacing and deleting them."""
