"""The database: Firestore, in the terms of the domain."""
