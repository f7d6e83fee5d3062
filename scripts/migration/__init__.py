"""Export and import of all documents, in the line format of `docs/export-format.md`."""
