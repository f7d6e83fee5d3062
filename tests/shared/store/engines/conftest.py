"""Fixtures of the tests that compare the engines."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from shared.store.database import Database
from shared.store.engines.sqlite import engine
from shared.store.engines.sqlite.engine import SqliteEngine
from shared.store.settings import DatabaseSettings
from tests.emulators import firestore_settings
from tests.shared.store.engines.differential.model import MODEL
from tests.shared.store.engines.differential.sides import Sides


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.Runner]:
    """A runner of calls. Meanwhile SQLite has the data model of the differential test."""
    monkeypatch.setattr(engine, "SqliteEngine", partial(SqliteEngine, collections=MODEL))
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def new_sides(runner: asyncio.Runner, tmp_path: Path) -> Callable[[], Sides]:
    """Return a function that returns two empty databases, one per engine."""

    def new() -> Sides:
        firestore = firestore_settings(f"test-{uuid4()}")
        sqlite = DatabaseSettings(file=tmp_path / f"{uuid4()}.db")
        return Sides(Database(firestore), Database(sqlite))

    return new


@pytest.fixture
def sides(runner: asyncio.Runner, new_sides: Callable[[], Sides]) -> Iterator[Sides]:
    """Two empty databases, one per engine."""
    sides = new_sides()
    yield sides
    runner.run(sides.close())
