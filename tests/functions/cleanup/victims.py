"""What is killed in the middle of its work: a deletion of an account, a part of a cleanup run."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from functions.cleanup.cleaner import Cleaner
from functions.cleanup.main import purges
from shared.settings import CleanupSettings, StoreSettings, TopicSettings
from shared.store.cleanup_runs import CleanupRuns, Part
from shared.store.client import Database
from shared.store.deletion import Deletion
from shared.store.leftovers import Leftovers
from shared.store.users import Users
from shared.topic import Topic

PAGE_SIZE = 10
"""Small, so that there are many points to be killed at."""


def delete_account(project: str, user_id: str) -> None:
    """Delete an account, as the function `users` does."""

    async def delete() -> None:
        database = Database(StoreSettings(project=project))
        account = await Users(database).get_account(UUID(user_id))
        deletion = Deletion(database, Leftovers(database, PAGE_SIZE))
        await deletion.delete(account, datetime.now(UTC))

    asyncio.run(delete())


def clean_up(project: str, run_id: str) -> None:
    """Do a run of the cleanup, as its function does for a message."""

    async def clean() -> None:
        database = Database(StoreSettings(project=project))
        settings = CleanupSettings(page_size=PAGE_SIZE)
        topic = Topic(TopicSettings(project=project))
        cleaner = Cleaner(purges(database, settings), CleanupRuns(database), topic, 60)
        await cleaner.clean(Part(run_id, 1), datetime.now(UTC))

    asyncio.run(clean())
