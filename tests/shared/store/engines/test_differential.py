"""Random operations on SQLite and on Google's emulator of Firestore, compared one by one."""

import asyncio
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from shared.store.engines.sqlite import engine
from shared.store.engines.sqlite.engine import SqliteEngine
from tests.shared.store.engines.differential.machine import Machine
from tests.shared.store.engines.differential.model import MODEL

pytestmark = pytest.mark.firestore

_STEPS = 60


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.Runner]:
    """Return a runner of calls, with the data model of the test."""
    monkeypatch.setattr(engine, "SqliteEngine", partial(SqliteEngine, collections=MODEL))
    with asyncio.Runner() as runner:
        yield runner


def test_engines_agree_on_random_operations(
    runner: asyncio.Runner, tmp_path: Path, *, is_long: bool
) -> None:
    counts: list[int] = []
    start = time.monotonic()
    run_state_machine_as_test(
        lambda: Machine(runner, tmp_path, counts), settings=settings(stateful_step_count=_STEPS)
    )
    seconds = time.monotonic() - start
    print(f"{sum(counts)} operations without a difference in {seconds:.0f} s")
    assert sum(counts) >= (20_000 if is_long else 2_000)
