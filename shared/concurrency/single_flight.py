"""Doing once what several want at the same time."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


class SingleFlight(Generic[Key, Result]):
    """Work under way, by what it is for. Belongs to the event loop in which it is used."""

    def __init__(self) -> None:
        self._under_way: dict[Key, asyncio.Task[Result]] = {}

    async def do(self, key: Key, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Return what `work` returns, or what work for the same key does that is under way.

        It goes on when its callers are cancelled: one's hanging up is not the others'.
        """
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(work())
            task.add_done_callback(lambda _: self._under_way.pop(key))
            task.add_done_callback(mark_seen)
        return await asyncio.shield(task)


def mark_seen(task: asyncio.Task[Any]) -> None:
    """See to it that a failure counts as seen, also when nobody waits any more."""
    if not task.cancelled():
        task.exception()
