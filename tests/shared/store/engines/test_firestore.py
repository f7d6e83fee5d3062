"""The engine for Firestore: one channel, which all calls use."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import grpc.aio
import pytest

from shared.store.data_model import EVENTS, SHARED_ITEMS, USERS
from shared.store.database import Database
from shared.store.engines.firestore import FirestoreEngine
from shared.store.settings import DatabaseSettings
from tests.emulators import firestore_settings


class UnarySpy(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc] # grpc is untyped
    """Records the names of RPCs with one response."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    async def intercept_unary_unary(
        self, continuation: Any, details: grpc.aio.ClientCallDetails, request: object
    ) -> object:
        self._names.append(name_of(details))
        return await continuation(details, request)


class StreamSpy(grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[misc] # grpc is untyped
    """Records the names and the calls of RPCs with a stream of responses."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self.calls: list[grpc.aio.Call] = []
        self.begun = asyncio.Event()

    async def intercept_unary_stream(
        self, continuation: Any, details: grpc.aio.ClientCallDetails, request: object
    ) -> object:
        self._names.append(name_of(details))
        self.calls.append(await continuation(details, request))
        self.begun.set()
        return self.calls[-1]


def name_of(details: grpc.aio.ClientCallDetails) -> str:
    method = details.method
    name = method.decode() if isinstance(method, bytes) else str(method)
    return name.rpartition("/")[2]


def database_with(*interceptors: grpc.aio.ClientInterceptor) -> Database:
    return Database(firestore_settings(), partial(FirestoreEngine, interceptors=interceptors))


@pytest.mark.firestore
async def test_each_call_is_one_rpc_on_one_channel() -> None:
    """On another channel, a call would not reach the interceptors."""
    names: list[str] = []
    database = database_with(UnarySpy(names), StreamSpy(names))
    batch = database.batch()
    batch.set(database.document(SHARED_ITEMS, "test"), {})
    await database.commit(batch)
    await database.query(database.collection(SHARED_ITEMS).limit(1))
    await database.query(database.collection_group(EVENTS).limit(1))
    await database.read_one(database.document(SHARED_ITEMS, "test"))
    await database.list_ids(database.collection(USERS), 1, "")
    assert names == ["Commit", "RunQuery", "RunQuery", "BatchGetDocuments", "ListDocuments"]


@pytest.mark.firestore
async def test_cancelled_read_closes_its_stream() -> None:
    spy = StreamSpy([])
    database = database_with(spy)
    documents = [database.document(SHARED_ITEMS, f"large{number}") for number in range(50)]
    batch = database.batch()
    for document in documents:
        batch.set(document, {"content": b"x" * 60_000})
    await database.commit(batch)
    reading = asyncio.create_task(database.read(documents))
    await spy.begun.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert spy.calls[0].cancelled()


async def test_channel_reconnects_within_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks the option only: gRPC's own backoff grows to two minutes in a long outage."""
    opened: list[dict[str, int]] = []
    open_channel = grpc.aio.insecure_channel

    def spy(target: str, options: Sequence[tuple[str, int]], **others: Any) -> grpc.aio.Channel:
        opened.append(dict(options))
        return open_channel(target, options=options, **others)

    monkeypatch.setattr(grpc.aio, "insecure_channel", spy)
    FirestoreEngine(DatabaseSettings(project="p", emulator_host="127.0.0.1:9"))
    assert [options["grpc.max_reconnect_backoff_ms"] for options in opened] == [1000]
