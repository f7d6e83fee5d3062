"""Optimistic updates: read, write with a precondition, and retry with jitter on a conflict."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.errors import Overloaded
from shared.store.preconditions import PreconditionFailed

State = TypeVar("State")
Result = TypeVar("Result")

_MAX_ATTEMPTS = 12
_INITIAL_BACKOFF_S = 0.02
_MAX_BACKOFF_S = 0.5


async def update_optimistically(
    state: State,
    write: Callable[[State], Awaitable[Result]],
    read_again: Callable[[], Awaitable[State]],
) -> Result:
    """Return the result of the first `write` whose precondition holds.

    Args:
        state: the state as the caller read it.
        write: commits with preconditions taken from the state.
        read_again: returns the current state after another writer changed it.

    Raises:
        Overloaded: 12 attempts failed, which takes about 3 seconds.
    """
    # Not a transaction: its readers take locks, so concurrent transactions on one document block
    # each other for seconds. A failed precondition returns at once.
    for attempt in range(_MAX_ATTEMPTS):
        if attempt:
            # Full jitter spreads the writers, which would otherwise conflict again.
            backoff_s = min(_MAX_BACKOFF_S, _INITIAL_BACKOFF_S * 2 ** (attempt - 1))
            await asyncio.sleep(random.uniform(0, backoff_s))  # noqa: S311 - not for security
            state = await read_again()
        try:
            return await write(state)
        except PreconditionFailed:
            continue
    raise Overloaded("writers of one document", retry_after_s=1)
