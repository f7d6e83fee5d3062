"""Calls to the database: engines, retries, deadlines and errors."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from google.api_core import exceptions

from scripts.local.observed_engine import EngineCall, Execute, observed
from scripts.local.stack import free_ports
from shared.errors import DependencyTimedOut, DependencyUnavailable
from shared.store.data_model import SHARED_ITEMS
from shared.store.database import Database
from shared.store.engines.firestore import FirestoreEngine
from shared.store.engines.open import open_engine
from shared.store.engines.protocol import Engine
from shared.store.engines.sqlite.engine import SqliteEngine
from shared.store.preconditions import PreconditionFailed
from shared.store.settings import DatabaseSettings
from shared.telemetry.current_request import (
    CurrentRequest,
    reset_current_request,
    set_current_request,
)
from tests.engines import SQLITE
from tests.shared.store.faulty_databases import Unreachable


def unused_address() -> str:
    """Return an address at which no server listens."""
    return f"127.0.0.1:{free_ports().firestore}"


class FailingCalls:
    """Fails the first `count` calls with an error, and executes the later ones."""

    def __init__(self, error: Exception, count: int) -> None:
        self.error = error
        self.count = count
        self.attempts = 0

    async def observe(self, _call: EngineCall, execute: Execute) -> Any:
        self.attempts += 1
        if self.attempts <= self.count:
            raise self.error
        return await execute()


async def commit_through(
    failing: FailingCalls, settings: DatabaseSettings, *, repeatable: bool = True
) -> None:
    database = Database(settings, observed(failing.observe))
    batch = database.batch()
    batch.set(database.document(SHARED_ITEMS, "test"), {})
    await database.commit(batch, repeatable=repeatable)


class OpenedEngines:
    """Opens engines, and lists them."""

    def __init__(self) -> None:
        self.engines: list[Engine] = []

    def open(self, settings: DatabaseSettings) -> Engine:
        self.engines.append(open_engine(settings))
        return self.engines[-1]


def read_missing_in_a_new_loop(database: Database) -> None:
    async def read() -> None:
        for _ in range(2):
            assert await database.read_one(database.document(SHARED_ITEMS, "none")) is None

    asyncio.run(read())


def test_settings_choose_the_engine(own_settings: DatabaseSettings, engine: str) -> None:
    expected = SqliteEngine if engine == SQLITE else FirestoreEngine

    async def opened() -> Engine:
        return open_engine(own_settings)

    assert type(asyncio.run(opened())) is expected


def test_database_opens_one_engine_per_event_loop(own_settings: DatabaseSettings) -> None:
    opened = OpenedEngines()
    database = Database(own_settings, opened.open)
    read_missing_in_a_new_loop(database)
    assert len(opened.engines) == 1
    read_missing_in_a_new_loop(database)
    assert len(opened.engines) == 2


async def test_database_opens_its_engine_at_the_first_call(own_settings: DatabaseSettings) -> None:
    opened = OpenedEngines()
    database = Database(own_settings, opened.open)
    assert opened.engines == []
    database.batch()
    assert len(opened.engines) == 1


async def test_closed_database_opens_again(own_database: Database) -> None:
    batch = own_database.batch()
    batch.set(own_database.document(SHARED_ITEMS, "test"), {})
    await own_database.commit(batch)
    await own_database.close()
    await own_database.close()
    assert await own_database.read_one(own_database.document(SHARED_ITEMS, "test")) is not None


async def test_unreachable_database_is_unavailable_in_time() -> None:
    settings = DatabaseSettings(
        file=None, project="p", emulator_host=unused_address(), retry_for_s=0.5
    )
    database = Database(settings)
    async with asyncio.timeout(20):
        with pytest.raises(DependencyUnavailable) as caught:
            await database.read_one(database.document(SHARED_ITEMS, "none"))
    assert caught.value.retry_after_s == 5
    assert str(caught.value) == "the database is unavailable at the moment"


async def test_slow_call_times_out(own_settings: DatabaseSettings) -> None:
    hurried = own_settings.model_copy(update={"attempt_timeout_s": 0.0001, "retry_for_s": 0.1})
    database = Database(hurried)
    with pytest.raises(DependencyTimedOut):
        await database.query(database.collection(SHARED_ITEMS).limit(1))


@pytest.mark.parametrize(
    "error",
    [exceptions.ServiceUnavailable(""), exceptions.Aborted("")],
    ids=["unavailable", "aborted"],
)
async def test_commit_is_retried_after_a_transient_error(
    error: Exception, settings: DatabaseSettings
) -> None:
    failing = FailingCalls(error, count=2)
    await commit_through(failing, settings)
    assert failing.attempts == 3


async def test_commit_that_is_not_repeatable_is_attempted_once(settings: DatabaseSettings) -> None:
    failing = FailingCalls(exceptions.ServiceUnavailable(""), count=1)
    with pytest.raises(DependencyUnavailable):
        await commit_through(failing, settings, repeatable=False)
    assert failing.attempts == 1


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (exceptions.AlreadyExists(""), PreconditionFailed),
        (exceptions.NotFound(""), PreconditionFailed),
        (exceptions.FailedPrecondition(""), PreconditionFailed),
        (exceptions.Aborted(""), PreconditionFailed),
        (exceptions.DeadlineExceeded(""), DependencyTimedOut),
        (exceptions.Cancelled(""), DependencyUnavailable),
        (exceptions.ResourceExhausted(""), DependencyUnavailable),
        (exceptions.PermissionDenied(""), DependencyUnavailable),
        (exceptions.Unauthenticated(""), DependencyUnavailable),
        (exceptions.InternalServerError(""), DependencyUnavailable),
        # An error of our own code stays what it is, so that it is logged with its traceback.
        (exceptions.InvalidArgument(""), exceptions.InvalidArgument),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
async def test_errors_of_the_engine_are_translated(
    error: Exception, expected: type[Exception]
) -> None:
    failing = FailingCalls(error, count=1)
    with pytest.raises(expected) as caught:
        await commit_through(failing, DatabaseSettings(), repeatable=False)
    assert type(caught.value) is expected


@pytest.mark.parametrize("operation", ["read", "query", "commit"])
async def test_request_counts_all_attempts_of_a_failing_call(operation: str) -> None:
    database = Unreachable(retry_for_s=0.5)
    document = database.document(SHARED_ITEMS, "test")
    batch = database.batch()
    batch.set(document, {})
    operations: dict[str, Callable[[], Awaitable[object]]] = {
        "read": lambda: database.read_one(document),
        "query": lambda: database.query(database.collection(SHARED_ITEMS).limit(1)),
        "commit": lambda: database.commit(batch),
    }
    request = CurrentRequest("GET", "0" * 31 + "1", "0" * 15 + "1", None, is_sampled=False)
    token = set_current_request(request)
    with pytest.raises(DependencyUnavailable):
        await operations[operation]()
    reset_current_request(token)
    assert database.attempts > 1
    assert (request.round_trips, request.documents_read) == (database.attempts, 0)


async def test_version_is_independent_of_the_message(settings: DatabaseSettings) -> None:
    messages: list[Any] = []

    async def keep(_call: EngineCall, execute: Execute) -> Any:
        result = await execute()
        messages.extend(result or [])
        return result

    database = Database(settings, observed(keep))
    item = database.document(SHARED_ITEMS, str(uuid4()))
    batch = database.batch()
    batch.set(item, {"a": 1})
    await database.commit(batch)
    document = await database.read_one(item)
    assert document is not None
    [message] = messages
    assert document.version == message.update_time
    message.update_time.Clear()
    # A shared part would keep the content of the document in memory.
    assert document.version != message.update_time
