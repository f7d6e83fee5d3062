"""The last confirmation of each purchase by its purchase provider, for all processes."""

from dataclasses import dataclass
from datetime import datetime

from shared.store.data_model import VERIFICATIONS
from shared.store.database import Database


@dataclass(frozen=True)
class Verification:
    """A purchase provider's confirmation that a token proves a purchase."""

    verified_at: datetime

    purchase_sha256: str | None
    """None in a document of a version that did not store it."""


class Verifications:
    """The confirmed purchase tokens, by keys that contain the SHA-256 of the token."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, key: str) -> Verification | None:
        """Return the last confirmation, or None; one round trip."""
        document = await self._database.read_one(self._database.document(VERIFICATIONS, key))
        if document is None:
            return None
        fields = document.fields
        return Verification(fields["verified_at"], fields.get("purchase_sha256"))

    async def put(self, key: str, verification: Verification, expires_at: datetime) -> None:
        """Store a confirmation until `expires_at`; one commit."""
        batch = self._database.batch()
        batch.set(
            self._database.document(VERIFICATIONS, key),
            {
                "verified_at": verification.verified_at,
                "purchase_sha256": verification.purchase_sha256,
                "expires_at": expires_at,
            },
        )
        await self._database.commit(batch)

    async def delete(self, key: str) -> None:
        """Delete the confirmation, for example after a refund; one commit."""
        batch = self._database.batch()
        batch.delete(self._database.document(VERIFICATIONS, key))
        await self._database.commit(batch)
