"""The errors of exports and imports. Their messages contain nothing of a document's content."""


class MigrationError(Exception):
    """An export or an import cannot continue. The message names the next step."""


class DamagedFileError(MigrationError):
    """A line of the file is not in the format, or a part of the file is missing."""
