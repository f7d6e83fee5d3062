"""Profiles: the encrypted things that users show each other."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Self
from uuid import UUID

from google.cloud.firestore_v1.base_query import FieldFilter

from shared.errors import NotFound, Overloaded
from shared.ids import is_short_id
from shared.store.data_model import PROFILE_FIELDS, USERS, user_document
from shared.store.database import Database
from shared.store.documents import Document
from shared.store.optimistic_update import compare_and_set
from shared.store.pictures import PictureNote, Pictures, in_groups
from shared.store.users import Account, Users
from shared.timestamps import start_of

logger = logging.getLogger(__name__)

_FIELDS = ("lookup", "last_accessed", *PROFILE_FIELDS)
_READ_ATTEMPTS = 5


@dataclass(frozen=True)
class ProfileContent:
    """What a user shows to others, and replaces as a whole; the server cannot read any of it."""

    encrypted_current_plan: bytes | None
    encrypted_profile_picture: bytes | None
    encrypted_name: bytes | None
    encryption_iv: bytes
    rsa_public_key: bytes


@dataclass(frozen=True)
class Profile(ProfileContent):
    """A user as others see them."""

    id: UUID
    lookup: str


@dataclass(frozen=True)
class _StoredProfile:
    """A profile whose picture is still to be read."""

    profile: Profile
    picture: PictureNote | None
    last_accessed: date

    @classmethod
    def of(cls, document: Document) -> Self:
        fields = document.fields
        profile = Profile(
            id=UUID(document.id),
            lookup=fields["lookup"],
            encrypted_current_plan=fields.get("encrypted_current_plan"),
            encrypted_profile_picture=None,
            encrypted_name=fields.get("encrypted_name"),
            encryption_iv=fields["encryption_iv"],
            rsa_public_key=fields["rsa_public_key"],
        )
        note = PictureNote.from_field(fields.get("picture"))
        return cls(profile, note, fields["last_accessed"].date())

    @property
    def id(self) -> UUID:
        return self.profile.id

    def with_picture(self, content: bytes | None) -> Profile:
        return replace(self.profile, encrypted_profile_picture=content)


class Profiles:
    """Profiles by their user's id or lookup.

    Reading one notes that its user is still of interest, at most once a day: one more commit.
    """

    def __init__(self, database: Database, users: Users, pictures: Pictures) -> None:
        self._database = database
        self._users = users
        self._pictures = pictures

    async def get(self, user_id: UUID, now: datetime) -> Profile:
        """Return the user's profile; one round trip, and one more when there is a picture.

        Raises:
            NotFound: no such user.
            Overloaded: the picture was replaced during each of five reads.
        """
        return await self._complete(await self._find(user_id), now)

    async def get_by_lookup(self, lookup: str, now: datetime) -> Profile:
        """Return the profile of the user with this lookup; cost and errors as with `get`."""
        return await self._complete(await self._find_by_lookup(lookup), now)

    async def find_all(self, user_ids: Sequence[UUID], now: datetime) -> AsyncIterator[Profile]:
        """Yield the profiles of those users that exist, in no particular order.

        A picture that cannot be read in whole is None: it must not end the list.

        One round trip, and one more for every 4 MiB of pictures, which is also what it holds.
        """
        client = self._database.client
        references = [user_document(client, user_id) for user_id in dict.fromkeys(user_ids)]
        async with self._database.turn():
            documents = await self._database.read(references, _FIELDS)
        stored = {profile.id: profile for profile in map(_StoredProfile.of, documents)}
        await self._users.note_accessed({p.id: p.last_accessed for p in stored.values()}, now)
        for group in in_groups([(profile.id, profile.picture) for profile in stored.values()]):
            notes = {i: note for i in group if (note := stored[i].picture) is not None}
            pictures = await self._pictures.read(notes)
            for user_id in group:
                if user_id not in notes or user_id in pictures:
                    yield stored[user_id].with_picture(pictures.get(user_id))
                    continue
                try:
                    yield await self._reread(stored[user_id])
                except NotFound:  # The user was deleted in the meantime.
                    continue
                except Overloaded:
                    logger.warning("a profile picture is returned as null: it changes too often")
                    yield stored[user_id].with_picture(None)

    async def replace(self, account: Account, profile: ProfileContent, now: datetime) -> None:
        """Replace the account's profile; one commit.

        Raises:
            NotFound: the user was deleted in the meantime.
        """
        await compare_and_set(
            account,
            lambda seen: self._write(seen, profile, now),
            lambda: self._users.get_account(account.id),
        )

    async def _write(self, seen: Account, profile: ProfileContent, now: datetime) -> None:
        async with self._database.turn():  # There may be a picture in it.
            client = self._database.client
            batch = client.batch()
            note = self._pictures.put(
                batch, seen.id, profile.encrypted_profile_picture, before=seen.picture
            )
            batch.update(
                user_document(client, seen.id),
                {
                    "encrypted_current_plan": profile.encrypted_current_plan,
                    "encrypted_name": profile.encrypted_name,
                    "encryption_iv": profile.encryption_iv,
                    "rsa_public_key": profile.rsa_public_key,
                    "picture": None if note is None else asdict(note),
                    "last_accessed": start_of(now.date()),
                },
                option=client.write_option(last_update_time=seen.version),
            )
            await self._database.commit(batch)

    async def _find(self, user_id: UUID) -> _StoredProfile | None:
        where = user_document(self._database.client, user_id)
        document = await self._database.read_one(where, _FIELDS)
        return None if document is None else _StoredProfile.of(document)

    async def _find_by_lookup(self, lookup: str) -> _StoredProfile | None:
        if not is_short_id(lookup):
            return None
        users = USERS.of(self._database.client)
        query = users.where(filter=FieldFilter("lookup", "==", lookup)).select(_FIELDS).limit(1)
        found = await self._database.query(query)
        return _StoredProfile.of(found[0]) if found else None

    async def _complete(self, stored: _StoredProfile | None, now: datetime) -> Profile:
        if stored is None:
            raise NotFound("no such user")
        profile, _ = await asyncio.gather(
            self._with_picture(stored),
            self._users.note_accessed({stored.id: stored.last_accessed}, now),
        )
        return profile or await self._reread(stored)

    async def _with_picture(self, stored: _StoredProfile) -> Profile | None:
        """Return the profile with its picture; None if a part of the picture is missing."""
        if stored.picture is None:
            return stored.with_picture(None)
        pictures = await self._pictures.read({stored.id: stored.picture})
        return stored.with_picture(pictures[stored.id]) if stored.id in pictures else None

    async def _reread(self, stored: _StoredProfile) -> Profile:
        """Read a profile again whose picture lacked a part, until it is read in whole.

        If the picture was not replaced in the meantime, the part is lost, and the picture is None.

        Raises:
            NotFound: the user was deleted in the meantime.
            Overloaded: the picture was replaced during each of the attempts.
        """
        for _ in range(_READ_ATTEMPTS - 1):
            newer = await self._find(stored.id)
            if newer is None:
                raise NotFound("no such user")
            if newer.picture == stored.picture:
                logger.error("a profile picture lacks a part; it is returned as null")
                return newer.with_picture(None)
            profile = await self._with_picture(newer)
            if profile is not None:
                return profile
            stored = newer
        raise Overloaded("writers of the same profile", retry_after_s=1)
