"""Follow secrets: a user with a valid secret may read the events of its owner.

The database contains only the SHA-256 of a secret. It is the id of a document below the owner, so
one read by owner and secret checks it, and two owners may have the same secret.
"""

from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

from shared.errors import NotFound
from shared.store.data_model import FOLLOW_SECRETS
from shared.store.database import Database
from shared.store.preconditions import PreconditionFailed
from shared.store.users import Account, Users

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference


def follow_secret_document(
    database: Database, owner_id: UUID, secret: str
) -> "AsyncDocumentReference":
    """Return the reference of a secret's document.

    The secret is valid if this document and the owner's document exist.
    """
    digest = sha256(secret.encode()).hexdigest()
    return database.document(FOLLOW_SECRETS, digest, user_id=owner_id)


class FollowSecrets:
    """The follow secrets of all users."""

    def __init__(self, database: Database, users: Users) -> None:
        self._database = database
        self._users = users

    async def put(self, owner: Account, secret: str, now: datetime) -> None:
        """Add `secret` to the valid ones of `owner`; one commit. A second put changes nothing.

        Raises:
            NotFound: the owner was deleted in the meantime.
        """
        batch = self._database.batch()
        batch.set(follow_secret_document(self._database, owner.id, secret), {"created_at": now})
        self._users.note_access(batch, owner.id, now)
        try:
            await self._database.commit(batch)
        except PreconditionFailed:
            raise NotFound("no such user") from None

    async def delete(self, owner: Account, secret: str) -> None:
        """Revoke `secret` if it is valid; one commit."""
        batch = self._database.batch()
        batch.delete(follow_secret_document(self._database, owner.id, secret))
        await self._database.commit(batch)
