"""The embedded engine: SQLite executes Firestore's requests, in one file on this machine.

It supports the subset of Firestore that the data model uses, and raises `NotImplementedError` for
everything else. `docs/decisions/embedded-database.md` has the reasons and the known differences.
"""
