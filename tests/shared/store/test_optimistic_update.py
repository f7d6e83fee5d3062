"""Optimistic updates."""

import pytest

from shared.errors import Overloaded
from shared.store import optimistic_update
from shared.store.optimistic_update import update_optimistically
from shared.store.preconditions import PreconditionFailed


async def test_update_fails_after_12_conflicts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimistic_update, "_MAX_BACKOFF_S", 0.001)
    states: list[int] = []

    async def write(state: int) -> None:
        states.append(state)
        raise PreconditionFailed

    async def read_again() -> int:
        return len(states)

    with pytest.raises(Overloaded):
        await update_optimistically(0, write, read_again)
    assert states == list(range(12))
