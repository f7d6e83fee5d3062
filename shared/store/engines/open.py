"""The choice of the engine."""

from collections.abc import Sequence

import grpc.aio

from shared.store.engines.firestore import FirestoreEngine
from shared.store.engines.protocol import Engine
from shared.store.settings import DatabaseSettings


def open_engine(
    settings: DatabaseSettings, interceptors: Sequence[grpc.aio.ClientInterceptor]
) -> Engine:
    """Return the engine that the settings name. Nothing is connected yet.

    Args:
        settings: with `file`, the engine is SQLite.
        interceptors: of the calls to Firestore.
    """
    if settings.file is not None:
        # Packages for Google Cloud do not contain this engine.
        from shared.store.engines.sqlite.engine import SqliteEngine  # noqa: PLC0415

        return SqliteEngine(settings.file)
    return FirestoreEngine(settings, interceptors)
