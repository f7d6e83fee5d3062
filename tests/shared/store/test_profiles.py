"""Profiles that change while they are read or written."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.errors import NotFound, Overloaded
from shared.store import optimistic_update
from shared.store import profiles as profiles_module
from shared.store.data_model import PICTURE_PARTS, user_document
from shared.store.database import Database, PreconditionFailed
from shared.store.deleted_users import Leftovers
from shared.store.deletion import Deletion
from shared.store.optimistic_update import compare_and_set
from shared.store.pictures import PictureNote, Pictures, in_groups
from shared.store.profiles import ProfileContent, Profiles
from shared.store.settings import DatabaseSettings
from shared.store.users import Account, PasswordHash, Users

NOW = datetime.now(UTC)
MIB = 1024 * 1024


class ChangingPictures(Pictures):
    """Replaces the picture just before its parts are read, once."""

    def __init__(self, database: Database, account: Account, content: bytes) -> None:
        super().__init__(database)
        self._change: tuple[Database, Account, bytes] | None = (database, account, content)

    async def read(self, notes: dict[Any, PictureNote]) -> dict[Any, bytes]:
        """Read the pictures, after the change."""
        if self._change is not None:
            (database, account, content), self._change = self._change, None
            await profiles_of(database).replace(account, profile(content), NOW)
        return await super().read(notes)


def profiles_of(database: Database, pictures: Pictures | None = None) -> Profiles:
    return Profiles(database, Users(database), pictures or Pictures(database))


def profile(picture: bytes | None) -> ProfileContent:
    return ProfileContent(None, picture, None, b"iv", b"key")


async def account_with_picture(database: Database, picture: bytes) -> Account:
    users = Users(database)
    user = await users.create(PasswordHash("", b""), NOW)
    await profiles_of(database).replace(await users.get_account(user.id), profile(picture), NOW)
    return await users.get_account(user.id)


LARGE, SMALL = 1_500_000, 1


@pytest.mark.parametrize(("before", "after"), [(LARGE, LARGE), (LARGE, SMALL), (SMALL, LARGE)])
async def test_a_picture_that_is_replaced_while_it_is_read_is_never_mixed_or_cut(
    database: Database, before: int, after: int
) -> None:
    account = await account_with_picture(database, b"a" * before)
    new = b"b" * after
    profiles = profiles_of(database, ChangingPictures(database, account, new))
    assert (await profiles.get(account.id, NOW)).encrypted_profile_picture == new


async def test_the_same_holds_when_many_are_read(database: Database) -> None:
    account = await account_with_picture(database, b"a" * 1_500_000)
    profiles = profiles_of(database, ChangingPictures(database, account, b"new"))
    [found] = [each async for each in profiles.find_all([account.id], NOW)]
    assert found.encrypted_profile_picture == b"new"


class RestlessPictures(Pictures):
    """Replaces the picture before each read of its parts, and counts the reads."""

    def __init__(self, database: Database, account: Account) -> None:
        super().__init__(database)
        self._change = database, account
        self.reads = 0

    async def read(self, notes: dict[Any, PictureNote]) -> dict[Any, bytes]:
        self.reads += 1
        database, account = self._change
        await profiles_of(database).replace(account, profile(b"another"), NOW)
        return await super().read(notes)


async def test_picture_that_never_rests_ends_in_overloaded(database: Database) -> None:
    account = await account_with_picture(database, b"first")
    pictures = RestlessPictures(database, account)
    with pytest.raises(Overloaded):
        await profiles_of(database, pictures).get(account.id, NOW)
    assert pictures.reads == 5


async def test_picture_that_never_rests_is_null_in_a_list(database: Database) -> None:
    account = await account_with_picture(database, b"first")
    pictures = RestlessPictures(database, account)
    [found] = [each async for each in profiles_of(database, pictures).find_all([account.id], NOW)]
    assert found.encrypted_profile_picture is None
    assert pictures.reads == 5


async def broken_account(database: Database) -> Account:
    """Create a user whose picture lacks its second part."""
    account = await account_with_picture(database, b"a" * 1_500_000)
    await PICTURE_PARTS.of(database.client, account.id).document("1").delete()
    return account


def levels(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the levels of the lines about profiles."""
    return [each.levelname for each in caplog.records if each.name == profiles_module.__name__]


async def test_picture_without_one_of_its_parts_is_null(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    account = await broken_account(database)
    profiles = profiles_of(database)
    assert (await profiles.get(account.id, NOW)).encrypted_profile_picture is None
    assert (await profiles.get_by_lookup(account.lookup, NOW)).encrypted_profile_picture is None
    assert levels(caplog) == ["ERROR", "ERROR"]


async def test_picture_without_a_part_does_not_cut_a_list(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    broken = await broken_account(database)
    whole = await account_with_picture(database, b"whole")
    found = [each async for each in profiles_of(database).find_all([broken.id, whole.id], NOW)]
    pictures = {each.id: each.encrypted_profile_picture for each in found}
    assert pictures == {broken.id: None, whole.id: b"whole"}
    assert levels(caplog) == ["ERROR"]


class DeletingPictures(Pictures):
    """Deletes the owner just before the parts are read."""

    def __init__(self, database: Database, account: Account) -> None:
        super().__init__(database)
        self._deletion = Deletion(database, Leftovers(database))
        self._account = account

    async def read(self, notes: dict[Any, PictureNote]) -> dict[Any, bytes]:
        await self._deletion.delete(self._account, NOW)
        return await super().read(notes)


async def test_somebody_deleted_while_many_are_read_is_left_out(database: Database) -> None:
    staying = await account_with_picture(database, b"stays")
    leaving = await account_with_picture(database, b"leaves")
    profiles = profiles_of(database, DeletingPictures(database, leaving))
    found = [each.id async for each in profiles.find_all([leaving.id, staying.id], NOW)]
    assert found == [staying.id]


async def test_a_put_over_somebody_elses_put_replaces_it_whole(database: Database) -> None:
    account = await account_with_picture(database, b"first")
    profiles = profiles_of(database)
    await profiles.replace(account, profile(b"x" * 1_500_000), NOW)
    await profiles.replace(account, profile(b"last"), NOW)
    assert (await profiles.get(account.id, NOW)).encrypted_profile_picture == b"last"
    parts = await user_document(database.client, account.id).collection("picture_parts").get()
    assert [part.id for part in parts] == ["0"]


async def test_a_put_does_not_bring_back_a_deleted_user(database: Database) -> None:
    account = await account_with_picture(database, b"picture")
    await Deletion(database, Leftovers(database)).delete(account, NOW)
    with pytest.raises(NotFound):
        await profiles_of(database).replace(account, profile(b"again"), NOW)
    assert not (await user_document(database.client, account.id).get()).exists


def test_pictures_are_read_in_groups_of_4_mib() -> None:
    def note(size_bytes: int) -> PictureNote:
        return PictureNote(1, size_bytes, "")

    sizes = [3 * MIB, MIB, 1, 5 * MIB, 1]
    notes = [(number, note(size)) for number, size in enumerate(sizes)]
    groups = list(in_groups([(number, note) for number, note in notes]))  # type: ignore[misc] # any key will do
    assert groups == [[0, 1], [2], [3], [4]]
    assert list(in_groups([])) == []


async def test_who_never_gets_ahead_of_the_others_is_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(optimistic_update, "_LONGEST_WAIT_S", 0.001)
    attempts = 0

    async def write(_seen: None) -> None:
        nonlocal attempts
        attempts += 1
        raise PreconditionFailed

    async def look_again() -> None:
        return None

    with pytest.raises(Overloaded):
        await compare_and_set(None, write, look_again)
    assert attempts == 12


async def test_failing_to_note_the_last_access_does_not_fail_the_reader(
    caplog: pytest.LogCaptureFixture, database: Database
) -> None:
    account = await account_with_picture(database, b"")
    yesterday = account.last_accessed.replace(year=2020)
    elsewhere = Users(Database(DatabaseSettings(emulator_host="127.0.0.1:1", retry_for_s=0.1)))
    await elsewhere.note_accessed({account.id: yesterday}, NOW)
    assert "last access of 1 users was not noted" in caplog.text
