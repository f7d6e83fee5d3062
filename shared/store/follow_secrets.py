"""Follow secrets: whoever knows one may read its owner's events.

Only the SHA-256 of a secret is stored. It is the document's id, below its owner: the pair of owner
and secret says where to look, and the same secret of two owners is two documents.
"""

from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

from shared.errors import NotFound
from shared.store.data_model import FOLLOW_SECRETS
from shared.store.database import Database, PreconditionFailed
from shared.store.users import Account, Users

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_client import AsyncClient
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference


def follow_secret_document(
    client: "AsyncClient", owner_id: UUID, secret: str
) -> "AsyncDocumentReference":
    """Return where the secret lies; it is valid if and only if it is there, and its owner."""
    digest = sha256(secret.encode()).hexdigest()
    return FOLLOW_SECRETS.of(client, owner_id).document(digest)


class FollowSecrets:
    """The follow secrets of all users."""

    def __init__(self, database: Database, users: Users) -> None:
        self._database = database
        self._users = users

    async def put(self, owner: Account, secret: str, now: datetime) -> None:
        """Let those who know `secret` follow `owner`; putting it twice is harmless; one commit.

        Raises:
            NotFound: the owner was deleted in the meantime.
        """
        client = self._database.client
        batch = client.batch()
        batch.set(follow_secret_document(client, owner.id, secret), {"created_at": now})
        self._users.note_access(batch, owner.id, now)
        try:
            await self._database.commit(batch)
        except PreconditionFailed:
            raise NotFound("no such user") from None

    async def delete(self, owner: Account, secret: str) -> None:
        """Revoke `secret`; nothing happens when there is none; one commit."""
        client = self._database.client
        batch = client.batch()
        batch.delete(follow_secret_document(client, owner.id, secret))
        await self._database.commit(batch)
