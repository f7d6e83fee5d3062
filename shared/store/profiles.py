"""Profiles: the encrypted data that users show to each other."""

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
from shared.store.data_model import PROFILE_FIELDS, USERS
from shared.store.database import Database
from shared.store.documents import Document
from shared.store.optimistic_update import update_optimistically
from shared.store.pages import in_pages
from shared.store.pictures import PictureNote, Pictures
from shared.store.preconditions import if_unchanged
from shared.store.users import Account, Users
from shared.timestamps import start_of

logger = logging.getLogger(__name__)

_FIELDS = ("lookup", "last_accessed", *PROFILE_FIELDS)
_MAX_READ_ATTEMPTS = 5
# A response holds a page of plans and a page of pictures, which is one picture of the largest size.
_MAX_PAGE_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True)
class ProfileContent:
    """The part of a profile that its user replaces as a whole. The server cannot decrypt it."""

    encrypted_current_plan: bytes | None
    encrypted_profile_picture: bytes | None
    encrypted_name: bytes | None
    encryption_iv: bytes
    rsa_public_key: bytes


@dataclass(frozen=True)
class Profile(ProfileContent):
    """A profile with the names of its user."""

    id: UUID
    lookup: str


@dataclass(frozen=True)
class _StoredProfile:
    """A profile before its picture is read."""

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

    @property
    def size_bytes(self) -> int:
        profile = self.profile
        parts = (profile.encrypted_current_plan, profile.encrypted_name, profile.rsa_public_key)
        return sum(len(part) for part in parts if part is not None)

    @property
    def picture_bytes(self) -> int:
        return 0 if self.picture is None else self.picture.size_bytes

    def with_picture(self, content: bytes | None) -> Profile:
        return replace(self.profile, encrypted_profile_picture=content)


class Profiles:
    """Profiles by their user's id or lookup.

    The read of a profile also stores the day of the user's last access: one more commit per day.
    """

    def __init__(self, database: Database, users: Users, pictures: Pictures) -> None:
        self._database = database
        self._users = users
        self._pictures = pictures

    async def get(self, user_id: UUID, now: datetime) -> Profile:
        """Return the user's profile; one round trip, and one more for a picture.

        Raises:
            NotFound: no such user.
            Overloaded: the picture was replaced during each of five reads.
        """
        return await self._complete(await self._find(user_id), now)

    async def get_by_lookup(self, lookup: str, now: datetime) -> Profile:
        """Return the profile of the user with this lookup. Cost and errors are those of `get`."""
        return await self._complete(await self._find_by_lookup(lookup), now)

    async def find_all(self, user_ids: Sequence[UUID], now: datetime) -> AsyncIterator[Profile]:
        """Yield the profiles of those users that exist, in any order.

        A picture that cannot be read completely is None, because an error would cut off the list.

        Cost: one round trip, one more per 2 MiB of pictures, and one more per 2 MiB of plans after
        the first 2 MiB. The memory in use is 2 MiB of each.
        """
        async for page in self._pages(user_ids, now):
            for group in in_pages(
                page, lambda stored: stored.picture_bytes, max_bytes=_MAX_PAGE_BYTES
            ):
                for profile in await self._with_pictures(group):
                    yield profile

    async def _pages(
        self, user_ids: Sequence[UUID], now: datetime
    ) -> AsyncIterator[list[_StoredProfile]]:
        """Yield the profiles without their pictures, in pages of at most 2 MiB.

        The first read returns all profiles, which are usually one page. Otherwise the further pages
        are read again later: a client that reads slowly would keep them all in memory.
        """
        page, further = await self._read_first_page(user_ids, now)
        yield page
        for ids in further:
            # The response has begun: an error would cut it off.
            async with self._database.heavy_slot(wait_without_limit=True):
                page = await self._read(ids)
            yield page

    async def _read_first_page(
        self, user_ids: Sequence[UUID], now: datetime
    ) -> tuple[list[_StoredProfile], list[list[UUID]]]:
        """Return the first page, and the ids of each further page."""
        async with self._database.heavy_slot():
            found = await self._read(list(dict.fromkeys(user_ids)))
        await self._users.note_accessed({each.id: each.last_accessed for each in found}, now)
        pages = in_pages(found, lambda stored: stored.size_bytes, max_bytes=_MAX_PAGE_BYTES)
        return next(pages, []), [[each.id for each in page] for page in pages]

    async def _read(self, user_ids: Sequence[UUID]) -> list[_StoredProfile]:
        references = [self._database.document(USERS, user_id) for user_id in user_ids]
        return [_StoredProfile.of(each) for each in await self._database.read(references, _FIELDS)]

    async def _with_pictures(self, group: Sequence[_StoredProfile]) -> list[Profile]:
        """Return the profiles of `group` with their pictures, which are read in one call."""
        notes = {stored.id: note for stored in group if (note := stored.picture) is not None}
        pictures = await self._pictures.read(notes)
        profiles = []
        for stored in group:
            if stored.id not in notes or stored.id in pictures:
                profiles.append(stored.with_picture(pictures.get(stored.id)))
                continue
            try:
                profiles.append(await self._reread(stored))
            except NotFound:  # The user was deleted in the meantime.
                continue
            except Overloaded:
                logger.warning("profile without its picture: the picture changes too often")
                profiles.append(stored.with_picture(None))
        return profiles

    async def replace(self, account: Account, profile: ProfileContent, now: datetime) -> None:
        """Replace the account's profile; one commit.

        Raises:
            NotFound: the user was deleted in the meantime.
        """
        await update_optimistically(
            account,
            lambda current: self._write(current, profile, now),
            lambda: self._users.get_account(account.id),
        )

    async def _write(self, account: Account, profile: ProfileContent, now: datetime) -> None:
        # A picture makes the commit large.
        async with self._database.heavy_slot():
            batch = self._database.batch()
            note = self._pictures.put(
                batch, account.id, profile.encrypted_profile_picture, before=account.picture
            )
            # The precondition keeps the parts and the note consistent: two concurrent writers with
            # pictures of different sizes would otherwise leave parts of both.
            batch.update(
                self._database.document(USERS, account.id),
                {
                    "encrypted_current_plan": profile.encrypted_current_plan,
                    "encrypted_name": profile.encrypted_name,
                    "encryption_iv": profile.encryption_iv,
                    "rsa_public_key": profile.rsa_public_key,
                    "picture": None if note is None else asdict(note),
                    "last_accessed": start_of(now.date()),
                },
                option=if_unchanged(account.version),
            )
            await self._database.commit(batch)

    async def _find(self, user_id: UUID) -> _StoredProfile | None:
        document = await self._database.read_one(self._database.document(USERS, user_id), _FIELDS)
        return None if document is None else _StoredProfile.of(document)

    async def _find_by_lookup(self, lookup: str) -> _StoredProfile | None:
        if not is_short_id(lookup):
            return None
        # One query: to read `lookups/{lookup}` and then the user would take two round trips.
        users = self._database.collection(USERS)
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
        """Return the profile with its picture, or None if a part of the picture is missing."""
        if stored.picture is None:
            return stored.with_picture(None)
        pictures = await self._pictures.read({stored.id: stored.picture})
        return stored.with_picture(pictures[stored.id]) if stored.id in pictures else None

    async def _reread(self, stored: _StoredProfile) -> Profile:
        """Read a profile again until its picture is complete.

        If the picture was not replaced in the meantime, the missing part is lost, and the picture
        is None.

        Raises:
            NotFound: the user was deleted in the meantime.
            Overloaded: the picture was replaced during each of the attempts.
        """
        for _ in range(_MAX_READ_ATTEMPTS - 1):
            newer = await self._find(stored.id)
            if newer is None:
                raise NotFound("no such user")
            if newer.picture == stored.picture:
                logger.error("profile without its picture: a part of the picture is missing")
                return newer.with_picture(None)
            profile = await self._with_picture(newer)
            if profile is not None:
                return profile
            stored = newer
        raise Overloaded("writers of one profile", retry_after_s=1)
