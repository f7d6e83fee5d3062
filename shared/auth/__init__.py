"""Authentication of users by id and password."""
