"""Users: password, lookup, and the day of the last access."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID, uuid4

from google.cloud.firestore_v1.transforms import DELETE_FIELD

from shared.errors import DependencyUnavailable, NotFound
from shared.ids import new_short_id
from shared.store.data_model import EVENT_SUMMARY_FIELDS, LOOKUPS, USERS
from shared.store.database import Database
from shared.store.documents import Document
from shared.store.event_summary import EventSummary
from shared.store.optimistic_update import update_optimistically
from shared.store.pictures import PictureNote
from shared.store.preconditions import PreconditionFailed
from shared.timestamps import start_of

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

logger = logging.getLogger(__name__)

_ACCOUNT_FIELDS = (
    "lookup",
    "password_hash",
    "password_salt",
    "last_accessed",
    "picture",
)


@dataclass(frozen=True)
class PasswordHash:
    """A PBKDF2 result as it is stored: upper-case hex of 64 bytes, and the salt."""

    key_hex: str
    salt: bytes


@dataclass(frozen=True)
class Account:
    """A user's document, as far as signing in and the writes after it need it."""

    id: UUID
    lookup: str
    password: PasswordHash
    last_accessed: date
    picture: PictureNote | None
    event_summary: EventSummary | None
    """None: not read, see `Users`."""

    version: object
    """The precondition of writes that depend on this state of the account."""

    @classmethod
    def of(cls, document: Document, *, has_events: bool) -> Self:
        """Return the account in a user's document that was read with or without the summary."""
        fields = document.fields
        return cls(
            id=UUID(document.id),
            lookup=fields["lookup"],
            password=PasswordHash(fields["password_hash"], fields["password_salt"]),
            last_accessed=fields["last_accessed"].date(),
            picture=PictureNote.from_field(fields.get("picture")),
            event_summary=EventSummary.of(fields) if has_events else None,
            version=document.version,
        )


@dataclass(frozen=True)
class NewUser:
    """The id and the lookup of a new user."""

    id: UUID
    lookup: str

    @classmethod
    async def choose(cls) -> Self:
        """Return random names. The commit fails if one of them is taken."""
        return cls(uuid4(), new_short_id())


class Users:
    """Users by their id.

    Args:
        database: the database of the users.
        with_events: whether accounts contain the summary of the user's events. It has up to 7 KiB,
            and saves `Events` a second read per put.
    """

    def __init__(self, database: Database, *, with_events: bool = False) -> None:
        self._database = database
        self._with_events = with_events

    async def create(self, password: PasswordHash, now: datetime) -> NewUser:
        """Create a user with an empty profile, under a new id and lookup; one commit."""
        return await update_optimistically(
            await NewUser.choose(),
            lambda user: self._create(user, password, now),
            NewUser.choose,
        )

    async def _create(self, user: NewUser, password: PasswordHash, now: datetime) -> NewUser:
        batch = self._database.batch()
        batch.create(
            self._database.document(USERS, user.id),
            {
                "lookup": user.lookup,
                "password_hash": password.key_hex,
                "password_salt": password.salt,
                "encryption_iv": b"",
                "rsa_public_key": b"",
                "last_accessed": start_of(now.date()),
            },
        )
        # Firestore has no unique constraint. The id of this document makes the lookup unique.
        batch.create(self._database.document(LOOKUPS, user.lookup), {"user_id": str(user.id)})
        try:
            await self._database.commit(batch)
        except PreconditionFailed:
            if not await self._is_created(user, password):
                raise
        return user

    async def _is_created(self, user: NewUser, password: PasswordHash) -> bool:
        """Whether the user exists with this password.

        True if the response to the first attempt of the commit was lost, and the retry failed on
        the documents of the first attempt.
        """
        account = await self.find_account(user.id)
        return account is not None and account.password == password

    async def find_account(self, user_id: UUID) -> Account | None:
        """Return the user's account, or None if there is no such user; one round trip."""
        reference = self._database.document(USERS, user_id)
        fields = (*_ACCOUNT_FIELDS, *EVENT_SUMMARY_FIELDS) if self._with_events else _ACCOUNT_FIELDS
        document = await self._database.read_one(reference, fields)
        return None if document is None else Account.of(document, has_events=self._with_events)

    async def get_account(self, user_id: UUID) -> Account:
        """Return the user's account; one round trip.

        Raises:
            NotFound: no such user.
        """
        account = await self.find_account(user_id)
        if account is None:
            raise NotFound("no such user")
        return account

    async def find_public_key(self, user_id: UUID) -> bytes | None:
        """Return the user's RSA key, or None if there is no such user; one round trip."""
        reference = self._database.document(USERS, user_id)
        user = await self._database.read_one(reference, ("rsa_public_key",))
        return None if user is None else user.fields["rsa_public_key"]

    def require_existing(self, batch: "AsyncWriteBatch", user_id: UUID) -> None:
        """Add the precondition that the user exists to `batch`. The user's document is unchanged.

        Every commit that writes a document of a user contains this, `note_access`, or another
        precondition on the user's document. So no document is written after the user's deletion.

        Source: https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1#writeresult
        (`update_time` of a write that changes nothing)
        """
        # The library has no precondition without a write. An update that deletes an unknown field
        # changes nothing, and keeps the time of the last write, on which other writers depend.
        nothing = {"no_such_field": DELETE_FIELD}
        batch.update(self._database.document(USERS, user_id), nothing)

    def note_access(self, batch: "AsyncWriteBatch", user_id: UUID, now: datetime) -> None:
        """Add today as the day of the last access to `batch`, which fails if the user is missing.

        The document changes once a day, so this seldom fails the precondition of another writer.
        """
        today = {"last_accessed": start_of(now.date())}
        batch.update(self._database.document(USERS, user_id), today)

    async def note_accessed(self, last_accessed: Mapping[UUID, date], now: datetime) -> None:
        """Store today as the last access of the users with an earlier day.

        At most one commit, usually none. A failure is only logged: the caller's request does not
        depend on this write.
        """
        batch = self._database.batch()
        for user_id, last_day in last_accessed.items():
            if last_day < now.date():
                self.note_access(batch, user_id, now)
        try:
            if len(batch):
                await self._database.commit(batch)
        except (DependencyUnavailable, PreconditionFailed):
            logger.warning("cannot store the last access of %d users", len(batch))
