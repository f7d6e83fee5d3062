"""Calls to Firestore: connections, retries, deadlines and errors."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc.aio
import pytest
from google.api_core import exceptions

from scripts.local.round_trips import RoundTrips
from scripts.local.stack import free_ports
from shared.errors import DependencyTimedOut, DependencyUnavailable
from shared.store.data_model import SHARED_ITEMS
from shared.store.database import Database
from shared.store.engines import open as open_module
from shared.store.engines.firestore import FirestoreEngine
from shared.store.preconditions import PreconditionFailed
from shared.store.settings import DatabaseSettings
from shared.telemetry.current_request import (
    CurrentRequest,
    reset_current_request,
    set_current_request,
)


def database_with(**settings: object) -> Database:
    return Database(DatabaseSettings.model_validate(settings))


def unused_address() -> str:
    """Return an address at which no server listens."""
    return f"127.0.0.1:{free_ports().firestore}"


class FailingCalls(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc] # grpc is untyped
    """Fails the first `count` commits with an error, and forwards the later ones."""

    def __init__(self, error: Exception, count: int) -> None:
        self.error = error
        self.count = count
        self.attempts = 0

    async def intercept_unary_unary(
        self, continuation: Any, details: object, request: object
    ) -> object:
        self.attempts += 1
        if self.attempts <= self.count:
            raise self.error
        return await continuation(details, request)


async def commit_through(failing: FailingCalls, *, repeatable: bool = True) -> None:
    database = Database(DatabaseSettings(), [failing])
    batch = database.batch()
    batch.set(database.document(SHARED_ITEMS, "test"), {})
    await database.commit(batch, repeatable=repeatable)


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[FirestoreEngine]:
    """Return the list of the engines that the test opens."""
    opened: list[FirestoreEngine] = []

    class Listed(FirestoreEngine):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            opened.append(self)

    monkeypatch.setattr(open_module, "FirestoreEngine", Listed)
    return opened


def read_missing_in_a_new_loop(database: Database) -> None:
    async def read() -> None:
        for _ in range(2):
            assert await database.read_one(database.document(SHARED_ITEMS, "none")) is None

    asyncio.run(read())


def test_database_opens_one_engine_per_event_loop(engines: list[FirestoreEngine]) -> None:
    database = database_with()
    read_missing_in_a_new_loop(database)
    assert len(engines) == 1
    read_missing_in_a_new_loop(database)
    assert len(engines) == 2


async def test_database_connects_at_the_first_call(engines: list[FirestoreEngine]) -> None:
    database = database_with()
    assert engines == []
    database.batch()
    assert len(engines) == 1


async def test_unreachable_database_is_unavailable_in_time() -> None:
    database = database_with(emulator_host=unused_address(), retry_for_s=0.5)
    async with asyncio.timeout(20):
        with pytest.raises(DependencyUnavailable) as caught:
            await database.read_one(database.document(SHARED_ITEMS, "none"))
    assert caught.value.retry_after_s == 5
    assert str(caught.value) == "the database is unavailable at the moment"


async def test_slow_call_times_out() -> None:
    database = database_with(attempt_timeout_s=0.0001, retry_for_s=0.1)
    with pytest.raises(DependencyTimedOut):
        await database.query(database.collection(SHARED_ITEMS).limit(1))


async def test_cancelled_read_closes_its_stream() -> None:
    calls: list[grpc.aio.Call] = []
    begun = asyncio.Event()

    class Spy(grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[misc] # grpc is untyped
        async def intercept_unary_stream(
            self, continuation: Any, details: object, request: object
        ) -> object:
            calls.append(await continuation(details, request))
            begun.set()
            return calls[0]

    database = Database(DatabaseSettings(), [Spy()])
    documents = [database.document(SHARED_ITEMS, f"large{number}") for number in range(50)]
    batch = database.batch()
    for document in documents:
        batch.set(document, {"content": b"x" * 60_000})
    await database.commit(batch)
    reading = asyncio.create_task(database.read(documents))
    await begun.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert calls[0].cancelled()


@pytest.mark.parametrize(
    "error",
    [exceptions.ServiceUnavailable(""), exceptions.Aborted("")],
    ids=["unavailable", "aborted"],
)
async def test_commit_is_retried_after_a_transient_error(error: Exception) -> None:
    failing = FailingCalls(error, count=2)
    await commit_through(failing)
    assert failing.attempts == 3


async def test_commit_that_is_not_repeatable_is_attempted_once() -> None:
    failing = FailingCalls(exceptions.ServiceUnavailable(""), count=1)
    with pytest.raises(DependencyUnavailable):
        await commit_through(failing, repeatable=False)
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
async def test_errors_of_the_library_are_translated(
    error: Exception, expected: type[Exception]
) -> None:
    with pytest.raises(expected) as caught:
        await commit_through(FailingCalls(error, count=1), repeatable=False)
    assert type(caught.value) is expected


@pytest.mark.parametrize("operation", ["read", "query", "commit"])
async def test_request_counts_all_attempts_of_a_failing_call(operation: str) -> None:
    trips = RoundTrips()
    settings = DatabaseSettings(
        emulator_host=unused_address(), attempt_timeout_s=1, retry_for_s=0.5
    )
    database = Database(settings, trips.interceptors)
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
    with trips.counted() as attempts, pytest.raises(DependencyUnavailable):
        await operations[operation]()
    reset_current_request(token)
    assert len(attempts) > 1
    assert (request.round_trips, request.documents_read) == (len(attempts), 0)
