"""Users whose creation is repeated, and the day of their last access."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from shared.store.data_model import USERS
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.store.users import PasswordHash, Users
from tests.shared.store.faulty_databases import LostResponse, Unreachable
from tests.stored_documents import documents_in

NOW = datetime.now(UTC)


async def test_user_is_created_once_when_a_response_is_lost(
    own_database: Database, own_settings: DatabaseSettings
) -> None:
    lossy = LostResponse(own_settings)
    user = await Users(lossy).create(PasswordHash("", b""), NOW)
    assert lossy.attempts == 2
    stored = await documents_in(own_database, own_database.collection(USERS))
    assert [each.id for each in stored] == [str(user.id)]


async def test_failed_write_of_last_access_is_only_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await Users(Unreachable()).note_accessed({uuid4(): date(2020, 1, 1)}, NOW)
    assert "cannot store the last access of 1 users" in caplog.text


@pytest.mark.parametrize("with_events", [False, True])
async def test_account_has_event_summary_if_users_read_it(
    database: Database, with_events: bool
) -> None:
    user = await Users(database).create(PasswordHash("", b""), NOW)
    account = await Users(database, with_events=with_events).get_account(user.id)
    assert (account.event_summary is not None) == with_events
