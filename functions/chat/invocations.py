"""The invocations of one client that are in flight."""

import asyncio
import logging
from collections.abc import Callable

from functions.chat.hub import Hub
from functions.chat.protocol import Invocation, ProtocolError

logger = logging.getLogger(__name__)

# Two, so that `StopInProgress` runs while `SendMessage` does. Source: contract, heading "Chat".
MAX_CONCURRENT_INVOCATIONS = 2

# A newer message stops the reply to an older one: a long queue would hold outdated messages.
MAX_WAITING_INVOCATIONS = 8


class Invocations:
    """Runs two invocations at a time, lets eight wait, and rejects further ones.

    Args:
        hub: has the methods.
        complete: receives each invocation that has ended, and its error or None.
        on_idle: runs when no invocation is in flight any more.
    """

    def __init__(
        self,
        hub: Hub,
        complete: Callable[[Invocation, str | None], None],
        on_idle: Callable[[], None],
    ) -> None:
        self._hub = hub
        self._complete = complete
        self._on_idle = on_idle
        self._running: dict[asyncio.Task[str | None], Invocation] = {}
        self._waiting: list[Invocation] = []

    def __len__(self) -> int:
        return len(self._running) + len(self._waiting)

    def begin(self, invocation: Invocation) -> None:
        """Run an invocation, or queue it.

        Raises:
            ProtocolError: another invocation in flight has its id.
        """
        in_flight = {each.id for each in (*self._running.values(), *self._waiting)}
        if invocation.id is not None and invocation.id in in_flight:
            raise ProtocolError("another invocation in flight has the same id")
        if len(self._running) < MAX_CONCURRENT_INVOCATIONS:
            self._start(invocation)
        elif len(self._waiting) < MAX_WAITING_INVOCATIONS:
            self._waiting.append(invocation)
        else:
            self._complete(invocation, "too many invocations in flight")

    def cancel(self, invocation_id: str) -> None:
        """Cancel an invocation in flight. It completes without an error."""
        for task, invocation in self._running.items():
            if invocation.id == invocation_id:
                task.cancel()
        for invocation in [each for each in self._waiting if each.id == invocation_id]:
            self._waiting.remove(invocation)
            self._complete(invocation, None)

    def forget_waiting(self) -> None:
        """Drop the waiting invocations without a completion."""
        self._waiting.clear()

    async def end(self) -> None:
        """Cancel all invocations, and wait until they have ended."""
        self.forget_waiting()
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def _start(self, invocation: Invocation) -> None:
        task = asyncio.create_task(self._run(invocation))
        self._running[task] = invocation
        task.add_done_callback(self._on_end)

    async def _run(self, invocation: Invocation) -> str | None:
        """Run the hub's method. Return an error or None."""
        method = self._hub.methods.get(invocation.target)
        if method is None:
            return "there is no such method"
        if invocation.expects_stream:
            return "the method does not return a stream"
        if invocation.sends_streams or not method.accepts(invocation.arguments):
            return f"the method takes {method}"
        try:
            await method.run(*invocation.arguments)
        except Exception as bug:  # one faulty method must not end the connection
            logger.exception("%s in %s", type(bug).__name__, invocation.target)
            return "an internal error occurred"
        return None

    def _on_end(self, task: asyncio.Task[str | None]) -> None:
        invocation = self._running.pop(task)
        # A cancelled invocation completes without an error. Source: HubProtocol, "Cancellation".
        self._complete(invocation, None if task.cancelled() else task.result())
        if self._waiting:
            self._start(self._waiting.pop(0))
        if not self:
            self._on_idle()
