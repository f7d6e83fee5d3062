"""The engine for Firestore: one channel, which all calls use."""

from typing import Any

import grpc.aio
import pytest

from scripts.local.round_trips import RoundTrips
from shared.store.data_model import EVENTS, SHARED_ITEMS, USERS
from shared.store.database import Database
from shared.store.engines.firestore import FirestoreEngine
from shared.store.settings import DatabaseSettings


async def test_all_calls_use_one_channel(own_settings: DatabaseSettings) -> None:
    """On another channel, calls would not reach our interceptors."""
    trips = RoundTrips()
    database = Database(own_settings, trips.interceptors)
    batch = database.batch()
    batch.set(database.document(SHARED_ITEMS, "test"), {})
    with trips.counted() as calls:
        await database.commit(batch)
        await database.query(database.collection(SHARED_ITEMS).limit(1))
        await database.query(database.collection_group(EVENTS).limit(1))
        await database.read_one(database.document(SHARED_ITEMS, "test"))
        await database.list_ids(database.collection(USERS), 1, "")
    assert calls == ["Commit", "RunQuery", "RunQuery", "BatchGetDocuments", "ListDocuments"]


async def test_channel_reconnects_within_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks the option only: gRPC's own backoff grows to two minutes in a long outage."""
    opened: list[dict[str, int]] = []
    open_channel = grpc.aio.insecure_channel

    def spy(target: str, options: list[tuple[str, int]], **others: Any) -> grpc.aio.Channel:
        opened.append(dict(options))
        return open_channel(target, options=options, **others)

    monkeypatch.setattr(grpc.aio, "insecure_channel", spy)
    FirestoreEngine(DatabaseSettings(), [])
    assert [options["grpc.max_reconnect_backoff_ms"] for options in opened] == [1000]
