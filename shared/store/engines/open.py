"""The choice of the engine."""

from shared.store.engines.firestore import FirestoreEngine
from shared.store.engines.protocol import Engine
from shared.store.settings import DatabaseSettings


def open_engine(settings: DatabaseSettings) -> Engine:
    """Return the engine that the settings name: with `file` SQLite. Nothing is connected yet."""
    if settings.file is not None:
        # Packages for Google Cloud do not contain this engine.
        from shared.store.engines.sqlite.engine import SqliteEngine  # noqa: PLC0415

        return SqliteEngine(settings.file)
    return FirestoreEngine(settings)
