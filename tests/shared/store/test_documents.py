"""Documents as we decode them. The client library encodes them."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.store.data_model import SHARED_ITEMS
from shared.store.database import Database
from shared.store.preconditions import PreconditionFailed, if_unchanged
from tests.stored_documents import put

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=20)
    | st.datetimes(timezones=st.just(UTC))
)
NAMES = st.text("abcdefghij", min_size=1, max_size=5)
FIELDS = st.dictionaries(
    NAMES, SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(NAMES, SCALARS, max_size=3)
)


@given(FIELDS)
async def test_document_has_the_fields_that_were_written(
    database: Database, fields: dict[str, object]
) -> None:
    reference = database.document(SHARED_ITEMS, uuid4())
    await put(database, reference, fields)
    ours = await database.read_one(reference)
    assert ours is not None
    assert ours.fields == fields
    assert ours.id == reference.id
    assert ours.reference is reference


async def test_read_returns_only_the_selected_fields(database: Database) -> None:
    reference = database.document(SHARED_ITEMS, uuid4())
    await put(database, reference, {"a": 1, "b": {"c": 2}, "d": 3})
    document = await database.read_one(reference, ["a", "b", "missing"])
    assert document is not None
    assert document.fields == {"a": 1, "b": {"c": 2}}


async def test_timestamps_are_datetimes_in_utc(database: Database) -> None:
    reference = database.document(SHARED_ITEMS, uuid4())
    await put(database, reference, {"at": datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)})
    document = await database.read_one(reference)
    assert document is not None
    assert type(document.fields["at"]) is datetime
    assert document.fields["at"].isoformat() == "2026-01-01T00:00:00.123456+00:00"


async def test_version_is_a_precondition(database: Database) -> None:
    reference = database.document(SHARED_ITEMS, uuid4())
    await put(database, reference, {"a": 1})
    document = await database.read_one(reference)
    assert document is not None
    first, second = (database.batch() for _ in range(2))
    for number, batch in enumerate((first, second)):
        batch.update(reference, {"number": number}, option=if_unchanged(document.version))
    await database.commit(first)
    with pytest.raises(PreconditionFailed):
        await database.commit(second)
    changed = await database.read_one(reference)
    assert changed is not None
    assert changed.version != document.version
    assert changed.fields == {"a": 1, "number": 0}


async def test_read_leaves_out_missing_documents(database: Database) -> None:
    existing, missing = (database.document(SHARED_ITEMS, uuid4()) for _ in range(2))
    await put(database, existing, {})
    found = await database.read([missing, existing, existing])
    assert [document.reference for document in found] == [existing]
    assert await database.read([]) == []
