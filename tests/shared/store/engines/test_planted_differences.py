"""Faults of the SQLite engine. The differential test finds each of them."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import Phase, settings
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import run_state_machine_as_test

from tests.shared.store.engines.differential.machine import machine
from tests.shared.store.engines.differential.planted import PLANTED
from tests.shared.store.engines.differential.sides import Difference, Sides

pytestmark = pytest.mark.firestore

_SHORT = 2
# Stops at the first difference.
_SETTINGS = settings(
    max_examples=200, stateful_step_count=60, phases=[Phase.generate], report_multiple_bugs=False
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Plant all faults with `--long`, else the first ones: each takes seconds to be found."""
    planted = PLANTED if metafunc.config.option.long else PLANTED[:_SHORT]
    metafunc.parametrize("plant", planted, ids=[plant.__name__ for plant in planted])


def test_planted_difference_is_found(
    plant: Callable[[pytest.MonkeyPatch], None],
    runner: asyncio.Runner,
    new_sides: Callable[[], Sides],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant(monkeypatch)
    counts: list[int] = []
    # A difference between concurrent writers may not occur again, which hypothesis reports.
    with pytest.raises((Difference, FlakyFailure)) as caught:
        run_state_machine_as_test(machine(runner, new_sides, counts), settings=_SETTINGS)
    assert isinstance(caught.value, Difference) or caught.group_contains(Difference)
    print(f"found after {sum(counts)} operations")
