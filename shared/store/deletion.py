"""The deletion of an account and of its documents."""

import asyncio
import logging
from datetime import datetime

from shared.errors import DependencyUnavailable
from shared.store.data_model import DELETIONS, LOOKUPS, user_document
from shared.store.database import Database
from shared.store.deleted_users import Leftovers
from shared.store.users import Account
from shared.telemetry import metrics
from shared.telemetry.signals import add

logger = logging.getLogger(__name__)

_REMOVE_S = 10


class Deletion:
    """Deletes accounts with everything that is theirs.

    Args:
        database: where the accounts are.
        leftovers: removes an account's documents.
        remove_s: the time limit for that in a request. The rest is left to the cleanup.
    """

    def __init__(
        self, database: Database, leftovers: Leftovers, remove_s: float = _REMOVE_S
    ) -> None:
        self._database = database
        self._leftovers = leftovers
        self._remove_s = remove_s

    async def delete(self, account: Account, now: datetime) -> None:
        """Delete the account; doing it twice is harmless.

        One commit removes it and notes that something of it may be left. From then on nothing of
        theirs can be read or written, because all of it goes by the user's document. The rest is
        removed at once, within the time limit: about 10,000 documents in ten seconds. The cleanup
        removes what remains.

        Cost: a commit; then five queries, a query and a commit for each 100 documents, and one
        commit more.

        Raises:
            DependencyUnavailable: it cannot be told whether the account is deleted.
        """
        await self._remove_user(account, now)
        add(metrics.DELETIONS, 1, kind="accounts")
        try:
            async with asyncio.timeout(self._remove_s):
                async for _ in self._leftovers.remove(str(account.id)):
                    pass
        except (DependencyUnavailable, TimeoutError):
            logger.warning("something is left of a deleted account, for the cleanup to remove")
        except Exception:  # the account is gone, whatever becomes of the rest
            logger.exception("what is left of a deleted account cannot be removed")

    async def _remove_user(self, account: Account, now: datetime) -> None:
        client = self._database.client
        batch = client.batch()
        batch.delete(user_document(client, account.id))
        batch.delete(LOOKUPS.of(client).document(account.lookup))
        batch.set(DELETIONS.of(client).document(str(account.id)), {"deleted_at": now})
        await self._database.commit(batch)
