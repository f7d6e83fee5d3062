"""Single flight: concurrent requests for the same work share one execution."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


class SingleFlight(Generic[Key, Result]):
    """Running work by its key. Belongs to the event loop in which it is used."""

    def __init__(self) -> None:
        self._running: dict[Key, asyncio.Task[Result]] = {}

    async def do(self, key: Key, work: Callable[[], Coroutine[object, object, Result]]) -> Result:
        """Return the result of the running work for `key`; start `work` if there is none.

        All callers get the same result or exception. The work continues when a caller is
        cancelled, because other callers may wait for it.
        """
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(work())
            task.add_done_callback(lambda _: self._running.pop(key))
            task.add_done_callback(retrieve_exception)
        # Shielded: a cancelled caller must not cancel the work of the other callers.
        return await asyncio.shield(task)


def retrieve_exception(task: "asyncio.Task[object]") -> None:
    """Retrieve the exception of a task that has ended.

    Without this, asyncio logs the failure of a task if all of its callers have been cancelled.
    """
    if not task.cancelled():
        task.exception()
