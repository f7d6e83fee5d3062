"""The function `cleanup`."""

from functools import partial

from functions.cleanup.cleaner import Cleaner
from functions.cleanup.handlers import CleanupHandlers
from functions.cleanup.settings import CleanupSettings
from functions.cleanup.sweep import Purge
from shared.store.cleanup_runs import CleanupRuns
from shared.store.data_model import ALL, RATE_LIMITS
from shared.store.database import Database
from shared.store.deleted_users import DeletedUsers
from shared.store.expired import Expired
from shared.store.orphans import OrphanedLookups, Orphans
from shared.store.settings import DatabaseSettings, QuotaSettings
from shared.web.app import build_app
from shared.web.framework_entry import as_function
from shared.web.readiness import Dependency
from shared.web.routes import Route


def purges(database: Database, settings: CleanupSettings) -> dict[str, Purge]:
    """Return all purges, by the kind of document."""
    # The kinds are labels of metrics and keys of stored runs, so they keep their names.
    expired = Expired(database, settings.page_size)
    by_kind: dict[str, Purge] = {
        **{c.name: partial(expired.purge, c) for c in ALL if c.ttl_field is not None},
        "leftovers": DeletedUsers(database, settings.page_size).purge,
        "orphans": Orphans(database, settings.scan_size).purge,
        "orphaned lookups": OrphanedLookups(database, settings.scan_size).purge,
    }
    counts = database.named(QuotaSettings().database)
    if counts is not database:
        # Both databases: the default one may still contain counts from before the move.
        elsewhere = Expired(counts, settings.page_size)
        by_kind[f"{RATE_LIMITS.name} elsewhere"] = partial(elsewhere.purge, RATE_LIMITS)
    return by_kind


def cleaner(database: Database) -> Cleaner:
    """Return the cleaner of `database`."""
    settings = CleanupSettings()
    return Cleaner(purges(database, settings), CleanupRuns(database), settings.pass_s)


def routes(database: Database) -> list[Route]:
    """Return the function's routes, on `database`."""
    return CleanupHandlers(cleaner(database)).routes()


database = Database(DatabaseSettings())
main = as_function(
    build_app(routes(database), dependencies=[Dependency("store", database.check)]),
)
