"""The connection to Firestore."""

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
from shared.store.database import Database, PreconditionFailed
from shared.store.settings import DatabaseSettings
from shared.telemetry.current_request import (
    CurrentRequest,
    reset_current_request,
    set_current_request,
)


def database(**settings: object) -> Database:
    return Database(DatabaseSettings.model_validate(settings))


class Failing(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc] # grpc is untyped
    """Answers commits with an error, so many times, before it lets them pass."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error = error
        self.left = times
        self.calls = 0

    async def intercept_unary_unary(self, continuation, details, request):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
        self.calls += 1
        if self.left:
            self.left -= 1
            raise self.error
        return await continuation(details, request)


async def write_through(failing: Failing, *, repeatable: bool = True) -> None:
    store = Database(DatabaseSettings(), [failing])
    batch = store.client.batch()
    batch.set(SHARED_ITEMS.of(store.client).document("test"), {})
    await store.commit(batch, repeatable=repeatable)


async def test_one_connection_serves_all_calls_of_a_loop() -> None:
    store = database()
    assert store.client is store.client


def test_another_event_loop_gets_a_connection_of_its_own() -> None:
    store = database()

    async def read() -> object:
        document = SHARED_ITEMS.of(store.client).document("none")
        assert await store.read_one(document) is None
        return store.client

    assert asyncio.run(read()) is not asyncio.run(read())


async def test_nothing_is_connected_before_the_first_call() -> None:
    database(emulator_host=f"127.0.0.1:{free_ports().base}")


async def test_the_channel_does_not_wait_minutes_before_it_connects_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Seen only after outages of a minute and more, when gRPC's own backoff has grown.
    opened: list[dict[str, int]] = []
    open_channel = grpc.aio.insecure_channel

    def note(target: str, options: list[tuple[str, int]], **others: Any) -> grpc.aio.Channel:
        opened.append(dict(options))
        return open_channel(target, options=options, **others)

    monkeypatch.setattr(grpc.aio, "insecure_channel", note)
    assert database().client is not None
    assert [options["grpc.max_reconnect_backoff_ms"] for options in opened] == [1000]


async def test_a_store_that_is_not_there_is_unavailable_in_time() -> None:
    store = database(emulator_host=f"127.0.0.1:{free_ports().base}", retry_for_s=0.5)
    async with asyncio.timeout(20):
        with pytest.raises(DependencyUnavailable) as caught:
            await store.read_one(SHARED_ITEMS.of(store.client).document("none"))
    assert caught.value.retry_after_s == 5


async def test_a_call_that_takes_too_long_times_out() -> None:
    store = database(attempt_timeout_s=0.0001, retry_for_s=0.1)
    with pytest.raises(DependencyTimedOut):
        await store.query(SHARED_ITEMS.of(store.client).limit(1))


async def test_a_reader_who_is_cancelled_closes_the_stream() -> None:
    calls: list[grpc.aio.Call] = []
    begun = asyncio.Event()

    class Note(grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[misc] # grpc is untyped
        async def intercept_unary_stream(
            self, continuation: Any, details: Any, request: Any
        ) -> Any:
            calls.append(await continuation(details, request))
            begun.set()
            return calls[0]

    store = Database(DatabaseSettings(), [Note()])
    items = SHARED_ITEMS.of(store.client)
    batch = store.client.batch()
    for number in range(50):
        batch.set(items.document(f"large{number}"), {"content": b"x" * 60_000})
    await store.commit(batch)
    names = [items.document(f"large{number}") for number in range(50)]
    reading = asyncio.create_task(store.read(names))
    await begun.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert calls[0].cancelled()


@pytest.mark.parametrize(
    "error", [exceptions.ServiceUnavailable(""), exceptions.Aborted("")], ids=["down", "aborted"]
)
async def test_a_commit_is_repeated_after_a_passing_failure(error: Exception) -> None:
    failing = Failing(error, times=2)
    await write_through(failing)
    assert failing.calls == 3


async def test_a_commit_that_is_not_repeatable_is_attempted_once() -> None:
    failing = Failing(exceptions.ServiceUnavailable(""), times=1)
    with pytest.raises(DependencyUnavailable):
        await write_through(failing, repeatable=False)
    assert failing.calls == 1


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
        (exceptions.InvalidArgument(""), exceptions.InvalidArgument),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
async def test_errors_are_translated_and_bugs_stay_bugs(
    error: Exception, expected: type[Exception]
) -> None:
    with pytest.raises(expected) as caught:
        await write_through(Failing(error, times=1), repeatable=False)
    assert type(caught.value) is expected


@pytest.mark.parametrize("what", ["read", "query", "commit"])
async def test_what_is_told_of_a_request_are_all_attempts_and_nothing_that_was_not_read(
    what: str,
) -> None:
    trips = RoundTrips()
    nowhere = f"127.0.0.1:{free_ports().firestore}"
    store = Database(
        DatabaseSettings(emulator_host=nowhere, attempt_timeout_s=1, retry_for_s=0.5),
        trips.interceptors,
    )
    items = SHARED_ITEMS.of(store.client)
    batch = store.client.batch()
    batch.set(items.document("test"), {})
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "read": lambda: store.read_one(items.document("none")),
        "query": lambda: store.query(items.limit(1)),
        "commit": lambda: store.commit(batch),
    }
    request = CurrentRequest("GET", "0" * 31 + "1", "0" * 15 + "1", None, is_sampled=False)
    token = set_current_request(request)
    with trips.counted() as attempts, pytest.raises(DependencyUnavailable):
        await calls[what]()
    reset_current_request(token)
    assert len(attempts) > 1
    assert (request.round_trips, request.documents_read) == (len(attempts), 0)
