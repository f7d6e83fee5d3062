"""Fixtures of the tests of engines."""

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest

from shared.store.engines.sqlite import engine
from shared.store.engines.sqlite.engine import SqliteEngine
from tests.shared.store.engines.differential.model import MODEL


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.Runner]:
    """Return a runner of calls. SQLite has the data model of the differential test meanwhile."""
    monkeypatch.setattr(engine, "SqliteEngine", partial(SqliteEngine, collections=MODEL))
    with asyncio.Runner() as runner:
        yield runner
