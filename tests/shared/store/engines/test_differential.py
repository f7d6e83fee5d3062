"""Random operations on SQLite and on Google's emulator of Firestore, compared one by one."""

import asyncio
import time
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.shared.store.engines.differential.machine import machine
from tests.shared.store.engines.differential.sides import Sides

pytestmark = pytest.mark.firestore


def test_engines_agree_on_random_operations(
    runner: asyncio.Runner, new_sides: Callable[[], Sides], *, is_long: bool
) -> None:
    counts: list[int] = []
    start = time.monotonic()
    run_state_machine_as_test(
        machine(runner, new_sides, counts),
        settings=settings(stateful_step_count=90 if is_long else 30),
    )
    seconds = time.monotonic() - start
    print(f"{sum(counts)} operations without a difference in {seconds:.0f} s")
    assert sum(counts) >= (20_000 if is_long else 800)
