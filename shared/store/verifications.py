"""When purchase stores last confirmed a purchase, for all processes."""

from datetime import datetime

from shared.store.client import Database
from shared.store.data_model import VERIFICATIONS


class Verifications:
    """The confirmed purchases by their keys, which hold nothing but a token's SHA-256."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, key: str) -> datetime | None:
        """Return when the purchase was last confirmed, or None; one round trip."""
        document = await self._database.read_one(
            VERIFICATIONS.of(self._database.client).document(key)
        )
        return None if document is None else document.fields["verified_at"]

    async def put(self, key: str, verified_at: datetime, expires_at: datetime) -> None:
        """Note that the purchase was confirmed; of no use after `expires_at`. One commit."""
        batch = self._database.client.batch()
        batch.set(
            VERIFICATIONS.of(self._database.client).document(key),
            {"verified_at": verified_at, "expires_at": expires_at},
        )
        await self._database.commit(batch)

    async def delete(self, key: str) -> None:
        """Forget the purchase: it was taken back. One commit."""
        batch = self._database.client.batch()
        batch.delete(VERIFICATIONS.of(self._database.client).document(key))
        await self._database.commit(batch)
