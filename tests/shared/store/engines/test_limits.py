"""Firestore's limits of documents, and several writes to one document: both engines agree."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from shared.store.preconditions import if_exists, if_unchanged
from tests.shared.store.engines.differential.model import ITEMS
from tests.shared.store.engines.differential.sides import LONG_AGO, Side, Sides

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference

pytestmark = pytest.mark.firestore

_MAX_VALUE_BYTES = 1_048_487


def nested(depth: int) -> dict[str, Any]:
    return {"a": nested(depth - 1) if depth else 1}


def filled(overhead: int, more: int = 0, **others: Any) -> dict[str, Any]:
    """Return a document with 1 MiB, if `overhead` is the size of all but the content."""
    return {"note": b"x" * (2**20 - 500_000 - overhead + more), "n": b"x" * 500_000, **others}


# The name items/a has 24 bytes, each document 32, and the names of the two fields 7.
_FULL = 24 + 32 + 7
_DOCUMENTS: Mapping[str, tuple[dict[str, Any], bool]] = {
    "full": (filled(_FULL), True),
    "too large": (filled(_FULL, more=1), False),
    "full with a number": (filled(_FULL + 10, m=1), True),
    "too large with a number": (filled(_FULL + 10, more=1, m=1), False),
    "too large with a text": (filled(_FULL + 6, more=1, m="aé"), False),
    "full with a map": (filled(_FULL + 15, m={"a": True, "b": 1}), True),
    "too large with a map": (filled(_FULL + 15, more=1, m={"a": True, "b": 1}), False),
    "too large with an empty list": (filled(_FULL + 3, more=1, m=[]), False),
    "longest bytes": ({"note": b"x" * _MAX_VALUE_BYTES}, True),
    "too long bytes": ({"note": b"x" * (_MAX_VALUE_BYTES + 1)}, False),
    "too long text": ({"note": "é" * (_MAX_VALUE_BYTES // 2 + 1)}, False),
    "deepest map": (nested(20), True),
    "too deep map": (nested(21), False),
    "list in a list": ({"n": [[1]]}, False),
    "list in a map in a list": ({"n": [{"a": [1]}]}, True),
    "list in a list in a map": ({"m": {"a": [[1]]}}, False),
    "reserved name": ({"__a__": 1}, False),
    "reserved name in a map": ({"m": {"__a__": 1}}, False),
    "underscores": ({"____": 1, "__a": 1}, True),
    "longest name": ({"n" * 1500: 1}, True),
    "too long name": ({"n" * 1501: 1}, False),
}


@pytest.mark.parametrize("kind", _DOCUMENTS)
def test_engines_agree_on_limits(runner: asyncio.Runner, sides: Sides, kind: str) -> None:
    fields, is_accepted = _DOCUMENTS[kind]
    outcomes = []

    async def write(side: Side) -> object:
        document = side.database.document(ITEMS, "a")
        batch = side.database.batch()
        batch.set(document, fields)
        await side.database.commit(batch)
        found = side.seen(await side.database.read([document]))
        outcomes.append(found)
        return found

    runner.run(sides.compare(kind, write))
    assert len(outcomes) == (2 if is_accepted else 0)


_Add = Callable[["AsyncWriteBatch", "AsyncDocumentReference", Timestamp], None]
_WRITES: Mapping[str, _Add] = {
    "set": lambda batch, document, _: batch.set(document, {"n": 1}),
    "set other": lambda batch, document, _: batch.set(document, {"n": 2}),
    "merge": lambda batch, document, _: batch.set(document, {"m": 1}, merge=True),
    "create": lambda batch, document, _: batch.create(document, {"n": 2}),
    "update": lambda batch, document, _: batch.update(document, {"n": 1}),
    "update version": lambda batch, document, version: batch.update(
        document, {"n": 2}, if_unchanged(version)
    ),
    "update stale": lambda batch, document, _: batch.update(
        document, {"n": 2}, if_unchanged(LONG_AGO)
    ),
    "delete": lambda batch, document, _: batch.delete(document),
    "delete existing": lambda batch, document, _: batch.delete(document, if_exists()),
    "delete version": lambda batch, document, version: batch.delete(
        document, if_unchanged(version)
    ),
}


@pytest.mark.parametrize("exists", [False, True], ids=["missing", "existing"])
def test_engines_agree_on_repeated_writes(
    runner: asyncio.Runner, sides: Sides, *, exists: bool, is_long: bool
) -> None:
    """Several writes to one document in one commit, in all combinations."""
    combinations = itertools.product(_WRITES, repeat=3 if is_long else 2)
    for number, names in enumerate(combinations):

        async def write(side: Side, number: int = number, names: tuple[str, ...] = names) -> object:
            document = side.database.document(ITEMS, str(number))
            version = LONG_AGO
            if exists:
                start = side.database.batch()
                start.set(document, {"n": 1})
                await side.database.commit(start)
                side.seen(await side.database.read([document]))
                version = side.versions[document.path]
            batch = side.database.batch()
            for name in names:
                _WRITES[name](batch, document, version)
            await side.database.commit(batch)
            return side.seen(await side.database.read([document]))

        runner.run(sides.compare(names, write))
