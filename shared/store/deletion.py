"""The deletion of an account and of its documents."""

import asyncio
import logging
from datetime import datetime

from shared.errors import DependencyUnavailable
from shared.store.data_model import DELETIONS, LOOKUPS, USERS
from shared.store.database import Database
from shared.store.deleted_users import DeletedUsers
from shared.store.users import Account
from shared.telemetry import metrics
from shared.telemetry.signals import add

logger = logging.getLogger(__name__)

_MAX_DELETE_S = 10


class Deletion:
    """Deletes accounts with all of their documents.

    Args:
        database: the database of the accounts.
        deleted_users: deletes the documents of a deleted account.
        max_delete_s: the time limit of that in a request. The cleanup deletes the rest.
    """

    def __init__(
        self, database: Database, deleted_users: DeletedUsers, max_delete_s: float = _MAX_DELETE_S
    ) -> None:
        self._database = database
        self._deleted_users = deleted_users
        self._max_delete_s = max_delete_s

    async def delete(self, account: Account, now: datetime) -> None:
        """Delete the account. A second deletion is harmless.

        One commit deletes the user's document and adds the user to `deletions`. From then on no
        document of the user can be read or written, because every access requires the user's
        document. The other documents are deleted until the time limit: about 10,000 in ten seconds.
        The cleanup deletes the rest.

        Cost: one commit, five queries, one query and one commit per 100 documents (64 shared
        items), one commit.

        Raises:
            DependencyUnavailable: the account may or may not be deleted.
        """
        await self._delete_user(account, now)
        add(metrics.DELETIONS, 1, kind="accounts")
        try:
            async with asyncio.timeout(self._max_delete_s):
                async for _ in self._deleted_users.delete_documents(str(account.id)):
                    pass
        except (DependencyUnavailable, TimeoutError):
            logger.warning("documents of a deleted account remain; the cleanup deletes them")
        # The account is deleted, so the request succeeds even after an error in our own code.
        except Exception:
            logger.exception("cannot delete the documents of a deleted account")

    async def _delete_user(self, account: Account, now: datetime) -> None:
        batch = self._database.batch()
        batch.delete(self._database.document(USERS, account.id))
        batch.delete(self._database.document(LOOKUPS, account.lookup))
        batch.set(self._database.document(DELETIONS, account.id), {"deleted_at": now})
        await self._database.commit(batch)
