"""The databases of an export or an import."""

from scripts.migration.places import Place
from shared.store.data_model import (
    ALL,
    CLEANUP_RUNS,
    RATE_LIMITS,
    SCAN_POSITIONS,
    USERS,
    Collection,
)
from shared.store.database import Database
from shared.store.settings import DatabaseSettings, QuotaSettings

# Longer than for requests: no client waits, and a repetition of the whole work is expensive.
_TIMEOUT_S = 60
_OF_CLEANUP = (CLEANUP_RUNS, SCAN_POSITIONS)


class Databases:
    """The database of all collections, and the one of the rate limits, which may be another.

    Args:
        settings: the database. Its timeouts are replaced by long ones.
        quotas: the database of the rate limits.
        concurrency: the number of calls at a time that the database executes well.
    """

    def __init__(self, settings: DatabaseSettings, quotas: QuotaSettings, concurrency: int) -> None:
        self.main = Database(with_long_timeouts(settings))
        self._rate_limits = self.main.named(quotas.database)
        self.concurrency = concurrency

    def of(self, collection: Collection) -> Database:
        """Return the database of a collection."""
        return self._rate_limits if collection == RATE_LIMITS else self.main

    async def find_document(self) -> Place | None:
        """Return the place of a document, without those of the cleanup; None if there is none.

        The first start of a server writes documents of the cleanup.
        """
        for collection in ALL:
            if collection.per_user or collection in _OF_CLEANUP:
                continue
            database = self.of(collection)
            for found in await database.query(database.collection(collection).limit(1)):
                return Place(collection, found.id)
        users = await self.main.list_ids(self.main.collection(USERS), page_size=1, page_token="")
        return Place(USERS, users.ids[0]) if users.ids else None

    async def close(self) -> None:
        """Close files and connections."""
        await self.main.close()


def with_long_timeouts(settings: DatabaseSettings) -> DatabaseSettings:
    """Return the same database with long timeouts."""
    return settings.model_copy(update={"attempt_timeout_s": _TIMEOUT_S, "retry_for_s": _TIMEOUT_S})
