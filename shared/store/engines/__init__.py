"""The database engines: Firestore, and SQLite in one file for one machine."""
