"""Users as the server knows them: credentials, lookup, and the day of their last visit."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID, uuid4

from google.cloud.firestore_v1.transforms import DELETE_FIELD

from shared.errors import DependencyUnavailable, NotFound
from shared.ids import new_short_id
from shared.store.data_model import LOOKUPS, user_document
from shared.store.database import Database, PreconditionFailed
from shared.store.documents import Document
from shared.store.optimistic_update import compare_and_set
from shared.store.pictures import PictureNote
from shared.timestamps import start_of

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

logger = logging.getLogger(__name__)

ACCOUNT_FIELDS = (
    "lookup",
    "password_hash",
    "password_salt",
    "last_accessed",
    "picture",
)


@dataclass(frozen=True)
class PasswordHash:
    """PBKDF2's result as it is stored: upper-case hex of 64 bytes, and the salt."""

    key_hex: str
    salt: bytes


@dataclass(frozen=True)
class Account:
    """What signing in needs of a user, as of `version`."""

    id: UUID
    lookup: str
    password: PasswordHash
    last_accessed: date
    picture: PictureNote | None
    version: Any
    """A precondition for writes that depend on the account being as it was read."""

    @classmethod
    def arguments(cls, document: Document) -> dict[str, Any]:
        """Return the constructor's arguments from a document read with `ACCOUNT_FIELDS`."""
        fields = document.fields
        return {
            "id": UUID(document.id),
            "lookup": fields["lookup"],
            "password": PasswordHash(fields["password_hash"], fields["password_salt"]),
            "last_accessed": fields["last_accessed"].date(),
            "picture": PictureNote.from_field(fields.get("picture")),
            "version": document.version,
        }

    @classmethod
    def of(cls, document: Document) -> Self:
        """Read an account from a document read with `ACCOUNT_FIELDS`."""
        return cls(**cls.arguments(document))


@dataclass(frozen=True)
class NewUser:
    """The public names of a user who is being created."""

    id: UUID
    lookup: str

    @classmethod
    async def choose(cls) -> Self:
        """Choose random names; whether they are free, the commit decides."""
        return cls(uuid4(), new_short_id())


class Users:
    """Users by their id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, password: PasswordHash, now: datetime) -> NewUser:
        """Create a user without any profile, under a fresh id and lookup; one commit."""
        return await compare_and_set(
            await NewUser.choose(),
            lambda user: self._create(user, password, now),
            NewUser.choose,
        )

    async def _create(self, user: NewUser, password: PasswordHash, now: datetime) -> NewUser:
        client = self._database.client
        batch = client.batch()
        batch.create(
            user_document(client, user.id),
            {
                "lookup": user.lookup,
                "password_hash": password.key_hex,
                "password_salt": password.salt,
                "encryption_iv": b"",
                "rsa_public_key": b"",
                "last_accessed": start_of(now.date()),
            },
        )
        batch.create(LOOKUPS.of(client).document(user.lookup), {"user_id": str(user.id)})
        try:
            await self._database.commit(batch)
        except PreconditionFailed:
            if not await self._is_created(user, password):
                raise
        return user

    async def _is_created(self, user: NewUser, password: PasswordHash) -> bool:
        """Whether the user exists with this password.

        True after a commit that was repeated because the answer to its first attempt was lost.
        """
        account = await self.find_account(user.id)
        return account is not None and account.password == password

    async def find_account(self, user_id: UUID) -> Account | None:
        """Return the user's account, or None when there is none; one round trip."""
        where = user_document(self._database.client, user_id)
        document = await self._database.read_one(where, ACCOUNT_FIELDS)
        return None if document is None else Account.of(document)

    async def get_account(self, user_id: UUID) -> Account:
        """Return the user's account; one round trip.

        Raises:
            NotFound: there is none.
        """
        account = await self.find_account(user_id)
        if account is None:
            raise NotFound("no such user")
        return account

    async def find_public_key(self, user_id: UUID) -> bytes | None:
        """Return the user's current RSA key; None when there is no such user; one round trip."""
        where = user_document(self._database.client, user_id)
        user = await self._database.read_one(where, ("rsa_public_key",))
        return None if user is None else user.fields["rsa_public_key"]

    def require_existing(self, batch: "AsyncWriteBatch", user_id: UUID) -> None:
        """Let `batch` succeed only if the user exists; leaves the user's document unchanged.

        Every document that belongs to a user is written with this, with `note_access` or with a
        precondition on the user's document. So nothing is written after the user's deletion.

        Source: the reference's WriteResult.update_time, for writes that change nothing.
        """
        nothing = {"no_such_field": DELETE_FIELD}
        batch.update(user_document(self._database.client, user_id), nothing)

    def note_access(self, batch: "AsyncWriteBatch", user_id: UUID, now: datetime) -> None:
        """Add today as the user's last access to `batch`, which succeeds only if the user exists.

        It changes the document once a day, so it seldom fails another writer's precondition.
        """
        today = {"last_accessed": start_of(now.date())}
        batch.update(user_document(self._database.client, user_id), today)

    async def note_accessed(self, last_accessed: Mapping[UUID, date], now: datetime) -> None:
        """Note that these users were read or were here today, if their last day is another.

        At most one commit, none as a rule. Failing to is no reason to fail the caller's request.
        """
        batch = self._database.client.batch()
        for user_id, last_day in last_accessed.items():
            if last_day < now.date():
                self.note_access(batch, user_id, now)
        try:
            if len(batch):
                await self._database.commit(batch)
        except (DependencyUnavailable, PreconditionFailed):
            logger.warning("the last access of %d users was not noted", len(batch))
