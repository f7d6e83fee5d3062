"""The database: Firestore, with one class per collection in the terms of the domain."""
