"""Profiles that change while they are read or written."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from shared.errors import NotFound, Overloaded
from shared.store import profiles as profiles_module
from shared.store.data_model import PICTURE_PARTS, USERS
from shared.store.database import Database
from shared.store.deleted_users import DeletedUsers
from shared.store.deletion import Deletion
from shared.store.pictures import PictureNote, Pictures
from shared.store.profiles import ProfileContent, Profiles
from shared.store.users import Account, PasswordHash, Users
from tests.shared.store.counted_functions import new_user_with_plan
from tests.stored_documents import delete, documents_in, exists

NOW = datetime.now(UTC)


class PicturesReplacedOnce(Pictures):
    """Replaces the picture once, before the parts are read."""

    def __init__(self, database: Database, account: Account, content: bytes) -> None:
        super().__init__(database)
        self._change: tuple[Database, Account, bytes] | None = (database, account, content)

    async def read(self, notes: dict[UUID, PictureNote]) -> dict[UUID, bytes]:
        """Replace the picture, then read the parts."""
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
async def test_replaced_picture_is_returned_complete(
    database: Database, before: int, after: int
) -> None:
    account = await account_with_picture(database, b"a" * before)
    new = b"b" * after
    profiles = profiles_of(database, PicturesReplacedOnce(database, account, new))
    assert (await profiles.get(account.id, NOW)).encrypted_profile_picture == new


async def test_replaced_picture_is_complete_in_a_list(database: Database) -> None:
    account = await account_with_picture(database, b"a" * 1_500_000)
    profiles = profiles_of(database, PicturesReplacedOnce(database, account, b"new"))
    [found] = [each async for each in profiles.find_all([account.id], NOW)]
    assert found.encrypted_profile_picture == b"new"


class PicturesAlwaysReplaced(Pictures):
    """Replaces the picture before each read of the parts, and counts the reads."""

    def __init__(self, database: Database, account: Account) -> None:
        super().__init__(database)
        self._change = database, account
        self.reads = 0

    async def read(self, notes: dict[UUID, PictureNote]) -> dict[UUID, bytes]:
        self.reads += 1
        database, account = self._change
        await profiles_of(database).replace(account, profile(b"another"), NOW)
        return await super().read(notes)


async def test_picture_replaced_at_every_read_is_an_error(database: Database) -> None:
    account = await account_with_picture(database, b"first")
    pictures = PicturesAlwaysReplaced(database, account)
    with pytest.raises(Overloaded):
        await profiles_of(database, pictures).get(account.id, NOW)
    assert pictures.reads == 5


async def test_picture_replaced_at_every_read_is_null_in_a_list(database: Database) -> None:
    account = await account_with_picture(database, b"first")
    pictures = PicturesAlwaysReplaced(database, account)
    [found] = [each async for each in profiles_of(database, pictures).find_all([account.id], NOW)]
    assert found.encrypted_profile_picture is None
    assert pictures.reads == 5


async def account_with_missing_part(database: Database) -> Account:
    """Create a user whose picture lacks its second part."""
    account = await account_with_picture(database, b"a" * 1_500_000)
    await delete(database, database.document(PICTURE_PARTS, "1", user_id=account.id))
    return account


def levels(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the levels of the log lines about profiles."""
    return [each.levelname for each in caplog.records if each.name == profiles_module.__name__]


async def test_picture_with_a_missing_part_is_null(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    account = await account_with_missing_part(database)
    profiles = profiles_of(database)
    assert (await profiles.get(account.id, NOW)).encrypted_profile_picture is None
    assert (await profiles.get_by_lookup(account.lookup, NOW)).encrypted_profile_picture is None
    assert levels(caplog) == ["ERROR", "ERROR"]


async def test_picture_with_a_missing_part_does_not_end_a_list(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    broken = await account_with_missing_part(database)
    whole = await account_with_picture(database, b"whole")
    found = [each async for each in profiles_of(database).find_all([broken.id, whole.id], NOW)]
    pictures = {each.id: each.encrypted_profile_picture for each in found}
    assert pictures == {broken.id: None, whole.id: b"whole"}
    assert levels(caplog) == ["ERROR"]


class PicturesOfDeletedOwner(Pictures):
    """Deletes the owner before the parts are read."""

    def __init__(self, database: Database, account: Account) -> None:
        super().__init__(database)
        self._deletion = Deletion(database, DeletedUsers(database))
        self._account = account

    async def read(self, notes: dict[UUID, PictureNote]) -> dict[UUID, bytes]:
        await self._deletion.delete(self._account, NOW)
        return await super().read(notes)


async def test_list_leaves_out_a_user_deleted_during_the_read(database: Database) -> None:
    staying = await account_with_picture(database, b"stays")
    leaving = await account_with_picture(database, b"leaves")
    profiles = profiles_of(database, PicturesOfDeletedOwner(database, leaving))
    found = [each.id async for each in profiles.find_all([leaving.id, staying.id], NOW)]
    assert found == [staying.id]


async def test_put_with_an_old_version_replaces_the_whole_profile(database: Database) -> None:
    account = await account_with_picture(database, b"first")
    profiles = profiles_of(database)
    await profiles.replace(account, profile(b"x" * 1_500_000), NOW)
    await profiles.replace(account, profile(b"last"), NOW)
    assert (await profiles.get(account.id, NOW)).encrypted_profile_picture == b"last"
    parts = await documents_in(database, database.collection(PICTURE_PARTS, account.id))
    assert [part.id for part in parts] == ["0"]


async def test_put_does_not_restore_a_deleted_user(database: Database) -> None:
    account = await account_with_picture(database, b"picture")
    await Deletion(database, DeletedUsers(database)).delete(account, NOW)
    with pytest.raises(NotFound):
        await profiles_of(database).replace(account, profile(b"again"), NOW)
    assert not await exists(database, database.document(USERS, account.id))


async def test_user_deleted_before_the_second_page_is_left_out(database: Database) -> None:
    ids = [await new_user_with_plan(database, b"x" * 64 * 1024) for _ in range(33)]
    found = profiles_of(database).find_all(ids, NOW)
    listed = [await anext(found) for _ in range(32)]
    [last] = set(ids) - {profile.id for profile in listed}
    await delete(database, database.document(USERS, last))
    assert [profile async for profile in found] == []
