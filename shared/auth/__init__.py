"""Users sign in with an id and a password."""
