"""Firestore, in the words of the domain."""
