"""What to do when others write the same documents: look again, after a random while."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.errors import Overloaded
from shared.store.database import PreconditionFailed

State = TypeVar("State")
Result = TypeVar("Result")

_ATTEMPTS = 12
_FIRST_WAIT_S = 0.02
_LONGEST_WAIT_S = 0.5


async def compare_and_set(
    seen: State,
    write: Callable[[State], Awaitable[Result]],
    look_again: Callable[[], Awaitable[State]],
) -> Result:
    """Return what `write` returns, once nobody else wrote between our look and our write.

    `write` commits with preconditions taken from the state that was seen. A transaction would say
    the same, but transactions on one document hold each other up for seconds (their readers take
    locks), while a failed precondition only means that somebody else was first.

    Raises:
        Overloaded: others were first 12 times, which takes about 3 seconds.
    """
    for number in range(_ATTEMPTS):
        if number:
            longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** (number - 1))
            await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - spreads load, hides nothing
            seen = await look_again()
        try:
            return await write(seen)
        except PreconditionFailed:
            continue
    raise Overloaded("writers of the same thing", retry_after_s=1)
