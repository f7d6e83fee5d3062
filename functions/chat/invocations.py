"""The calls of one client that are in flight."""

import asyncio
import logging
from collections.abc import Callable

from functions.chat.hub import Hub
from functions.chat.protocol import Invocation, ProtocolError

logger = logging.getLogger(__name__)

_AT_ONCE = 2
_WAITING = 8


class Invocations:
    """Two run at a time, a few more wait for them, and what goes beyond is refused.

    Args:
        hub: has the methods.
        complete: told of each call when it has ended, with what was wrong, if anything was.
        emptied: told when the last of them has.
    """

    def __init__(
        self,
        hub: Hub,
        complete: Callable[[Invocation, str | None], None],
        emptied: Callable[[], None],
    ) -> None:
        self._hub = hub
        self._complete = complete
        self._emptied = emptied
        self._running: dict[asyncio.Task[str | None], Invocation] = {}
        self._waiting: list[Invocation] = []

    def __len__(self) -> int:
        return len(self._running) + len(self._waiting)

    def begin(self, call: Invocation) -> None:
        """Take a call.

        Raises:
            ProtocolError: it has the id of another in flight.
        """
        in_flight = {each.id for each in (*self._running.values(), *self._waiting)}
        if call.id is not None and call.id in in_flight:
            raise ProtocolError("an invocation has the id of another in flight")
        if len(self._running) < _AT_ONCE:
            self._start(call)
        elif len(self._waiting) < _WAITING:
            self._waiting.append(call)
        else:
            self._complete(call, "too many invocations at once")

    def cancel(self, call_id: str) -> None:
        """End a call, if it is in flight; it completes without an error."""
        for task, call in self._running.items():
            if call.id == call_id:
                task.cancel()
        for call in [each for each in self._waiting if each.id == call_id]:
            self._waiting.remove(call)
            self._complete(call, None)

    def forget_waiting(self) -> None:
        """Begin none of those that wait."""
        self._waiting.clear()

    async def end(self) -> None:
        """End all of them; return when they have."""
        self.forget_waiting()
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def _start(self, call: Invocation) -> None:
        task = asyncio.create_task(self._outcome(call))
        self._running[task] = call
        task.add_done_callback(self._ended)

    async def _outcome(self, call: Invocation) -> str | None:
        """Run the hub's method; return what was wrong, if anything was."""
        method = self._hub.methods.get(call.target)
        if method is None:
            return "there is no such method"
        if call.wants_stream:
            return "the method has no stream"
        if call.brings_streams or not method.accepts(call.arguments):
            return f"the method takes {method}"
        try:
            await method.run(*call.arguments)
        except Exception as bug:
            logger.exception("%s in %s", type(bug).__name__, call.target)
            return "something is wrong on our side"
        return None

    def _ended(self, task: asyncio.Task[str | None]) -> None:
        call = self._running.pop(task)
        # What was stopped or cancelled has ended as it should.
        self._complete(call, None if task.cancelled() else task.result())
        if self._waiting:
            self._start(self._waiting.pop(0))
        if not self:
            self._emptied()
