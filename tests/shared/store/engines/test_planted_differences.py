"""Faults of the SQLite engine. The differential test finds each of them."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.shared.store.engines.differential.machine import Machine
from tests.shared.store.engines.differential.planted import PLANTED
from tests.shared.store.engines.differential.sides import Difference

pytestmark = pytest.mark.firestore

# Stops at the first difference.
_SETTINGS = settings(
    max_examples=100, stateful_step_count=60, phases=[Phase.generate], report_multiple_bugs=False
)


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_planted_difference_is_found(
    plant: Callable[[pytest.MonkeyPatch], None],
    runner: asyncio.Runner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant(monkeypatch)
    counts: list[int] = []
    with pytest.raises(Difference):
        run_state_machine_as_test(lambda: Machine(runner, tmp_path, counts), settings=_SETTINGS)
    print(f"found after {sum(counts)} operations")
