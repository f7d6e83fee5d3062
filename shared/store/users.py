"""Users as the server knows them: credentials, lookup, and the day of their last visit."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID, uuid4

from shared.errors import DependencyUnavailable, NotFound
from shared.ids import new_short_id
from shared.instants import start_of
from shared.store.client import Database, PreconditionFailed
from shared.store.contention import compare_and_set
from shared.store.data_model import LOOKUPS, user_document
from shared.store.documents import Document
from shared.store.pictures import PictureNote

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

logger = logging.getLogger(__name__)

ACCOUNT_FIELDS = (
    "lookup",
    "password_hash",
    "password_salt",
    "last_accessed",
    "deleted_at",
    "picture",
)


def is_deleted(user: Mapping[str, Any]) -> bool:
    """Whether the document is only what is left of a user until everything of theirs is gone."""
    return user.get("deleted_at") is not None


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
    is_deleted: bool
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
            "is_deleted": is_deleted(fields),
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
        """Choose names that nobody has; if they are taken after all, choose again."""
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
        await self._database.commit(batch)
        return user

    async def find_account(self, user_id: UUID) -> Account | None:
        """Return the user's account; None when there is none or it is deleted; one round trip."""
        account = await self.find_account_even_deleted(user_id)
        return None if account is None or account.is_deleted else account

    async def find_account_even_deleted(self, user_id: UUID) -> Account | None:
        """Return the user's account, also while its deletion is under way; one round trip."""
        where = user_document(self._database.client, user_id)
        document = await self._database.read_one(where, ACCOUNT_FIELDS)
        return None if document is None else Account.of(document)

    async def get_account(self, user_id: UUID) -> Account:
        """Return the user's account; one round trip.

        Raises:
            NotFound: there is none, or it is deleted.
        """
        account = await self.find_account(user_id)
        if account is None:
            raise NotFound("no such user")
        return account

    async def find_public_key(self, user_id: UUID) -> bytes | None:
        """Return the user's current RSA key; None when there is no such user; one round trip."""
        where = user_document(self._database.client, user_id)
        user = await self._database.read_one(where, ("rsa_public_key", "deleted_at"))
        if user is None or is_deleted(user.fields):
            return None
        key: bytes = user.fields["rsa_public_key"]
        return key

    def require_unchanged(self, batch: "AsyncWriteBatch", seen: Account, now: datetime) -> None:
        """Let `batch` succeed only if the account is as it was seen; also notes the access.

        What belongs to a user and does not expire soon is written so: a deletion that runs at the
        same time can never leave it behind.
        """
        client = self._database.client
        batch.update(
            user_document(client, seen.id),
            {"last_accessed": start_of(now.date())},
            option=client.write_option(last_update_time=seen.version),
        )

    async def note_accessed(self, last_accessed: Mapping[UUID, date], now: datetime) -> None:
        """Note that these users were read or were here today, if their last day is another.

        At most one commit, none as a rule. Failing to is no reason to fail the caller's request.
        """
        client = self._database.client
        batch = client.batch()
        for user_id, last_day in last_accessed.items():
            if last_day < now.date():
                today = {"last_accessed": start_of(now.date())}
                batch.update(user_document(client, user_id), today)
        try:
            if len(batch):
                await self._database.commit(batch)
        except (DependencyUnavailable, PreconditionFailed):
            logger.warning("the last access of %d users was not noted", len(batch))
