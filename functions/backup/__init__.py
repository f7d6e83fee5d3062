"""The function `backup`: storing, listing, reading and deleting backups of the app."""
