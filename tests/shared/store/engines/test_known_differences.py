"""Known differences of the engines. `docs/decisions/embedded-database.md` lists them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from shared.store.preconditions import if_unchanged
from tests.shared.store.engines.differential.model import DRAFTS, ITEMS
from tests.shared.store.engines.differential.sides import Raised, Side, Sides

pytestmark = pytest.mark.firestore

_FAR_FUTURE = Timestamp(seconds=4_000_000_000)
_WORKS = "works"


async def _set(side: Side, document_id: str) -> str:
    batch = side.database.batch()
    batch.set(side.database.document(ITEMS, document_id), {"n": 1})
    await side.database.commit(batch)
    return _WORKS


async def _set_numeric_id(side: Side) -> str:
    return await _set(side, "__id7__")


async def _set_underscores(side: Side) -> str:
    return await _set(side, "____")


async def _read_too_long_id(side: Side) -> str:
    await side.database.read_one(side.database.document(ITEMS, "a" * 1501))
    return _WORKS


async def _update_with_a_later_version(side: Side) -> str:
    await _set(side, "a")
    batch = side.database.batch()
    batch.update(side.database.document(ITEMS, "a"), {"n": 2}, if_unchanged(_FAR_FUTURE))
    await side.database.commit(batch)
    return _WORKS


async def _query_by_descending_name(side: Side) -> str:
    items = side.database.collection(ITEMS)
    await side.database.query(items.order_by("__name__", direction="DESCENDING"))
    return _WORKS


async def _query_without_an_index(side: Side) -> str:
    await side.database.query(side.database.collection(ITEMS).order_by("note"))
    await side.database.query(side.database.collection_group(DRAFTS).order_by("n"))
    return _WORKS


async def _query_after_a_cut_character(side: Side) -> str:
    items = side.database.collection(ITEMS).order_by("n")
    await side.database.query(items.start_after(["s" * 1490 + "é" * 5]))
    return _WORKS


async def _commit_five_mebibytes(side: Side) -> str:
    batch = side.database.batch()
    for number in range(5):
        document = side.database.document(ITEMS, str(number))
        batch.set(document, {"note": b"x" * 1_000_000})
    await side.database.commit(batch)
    return _WORKS


_Operation = Callable[[Side], Awaitable[str]]
_DIFFERENCES: Mapping[_Operation, tuple[str, str]] = {
    _set_numeric_id: (_WORKS, "InvalidArgument"),
    _set_underscores: (_WORKS, "InvalidArgument"),
    _read_too_long_id: (_WORKS, "InvalidArgument"),
    _update_with_a_later_version: ("InvalidArgument", "FailedPrecondition"),
    _query_by_descending_name: ("FailedPrecondition", "NotImplementedError"),
    _query_without_an_index: (_WORKS, "NotImplementedError"),
    _query_after_a_cut_character: ("InvalidArgument", _WORKS),
    _commit_five_mebibytes: ("ResourceExhausted", _WORKS),
}


@pytest.mark.parametrize("operation", _DIFFERENCES, ids=lambda operation: operation.__name__[1:])
def test_known_difference_exists(
    runner: asyncio.Runner, sides: Sides, operation: _Operation
) -> None:
    """Fails when an update of the emulator removes a difference: update the record then."""
    outcomes = runner.run(sides.outcomes(operation))
    found = [each.error if isinstance(each, Raised) else each for each in outcomes]
    assert found == list(_DIFFERENCES[operation])
