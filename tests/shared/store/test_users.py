"""Users whose creation is repeated, and the day of their last access."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.store.data_model import USERS
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.store.users import PasswordHash, Users
from tests.shared.store.faulty_databases import LostResponse

NOW = datetime.now(UTC)


async def test_user_is_created_once_when_a_response_is_lost(database: Database) -> None:
    lossy = LostResponse()
    password = PasswordHash(uuid4().hex, b"salt")
    user = await Users(lossy).create(password, NOW)
    assert lossy.attempts == 2
    with_password = database.collection(USERS).where(
        filter=FieldFilter("password_hash", "==", password.key_hex)
    )
    assert [each.id for each in await with_password.get()] == [str(user.id)]


async def test_failed_write_of_last_access_is_only_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    unreachable = Database(DatabaseSettings(emulator_host="127.0.0.1:1", retry_for_s=0.1))
    await Users(unreachable).note_accessed({uuid4(): date(2020, 1, 1)}, NOW)
    assert "cannot store the last access of 1 users" in caplog.text


@pytest.mark.parametrize("with_events", [False, True])
async def test_account_has_event_summary_if_users_read_it(
    database: Database, with_events: bool
) -> None:
    user = await Users(database).create(PasswordHash("", b""), NOW)
    account = await Users(database, with_events=with_events).get_account(user.id)
    assert (account.event_summary is not None) == with_events
