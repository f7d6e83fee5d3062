"""The steps of the journey, with a printed line each."""

import time
from collections.abc import Awaitable
from typing import TypeVar

from rich.console import Console

from scripts.client.api import RefusedError

Result = TypeVar("Result")


class UnexpectedResultError(Exception):
    """The server returned an unexpected result. The message names it."""


def expect(condition: object, otherwise: str) -> None:
    """Raise UnexpectedResultError unless `condition` holds."""
    if not condition:
        raise UnexpectedResultError(otherwise)


class Steps:
    """Prints each step when it is done, and counts the steps."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.count = 0

    async def take(self, name: str, request: Awaitable[Result]) -> Result:
        """Wait for a request and return its result."""
        start = time.perf_counter()
        try:
            result = await request
        # BaseException: the line also shows the step that Ctrl-C interrupted.
        except BaseException:
            self._console.print(f"[red]✗[/] {name}")
            raise
        self.count += 1
        duration_ms = (time.perf_counter() - start) * 1000
        self._console.print(f"[green]✓[/] {name} [dim]{duration_ms:.0f} ms[/]")
        return result

    async def take_refused(self, name: str, status: int, request: Awaitable[object]) -> None:
        """Wait for a request that the server rejects.

        Raises:
            UnexpectedResultError: the server accepts it, or rejects it with another status.
        """
        await self.take(f"{name} ({status})", _refused(status, request))

    def skip(self, subject: str, reason: str) -> None:
        """Print that the steps of a subject are skipped."""
        self._console.print(f"[yellow]-[/] {subject}: skipped, {reason}")


async def _refused(status: int, request: Awaitable[object]) -> None:
    try:
        await request
    except RefusedError as refusal:
        expect(refusal.status == status, f"status {refusal.status} instead of {status}")
    else:
        raise UnexpectedResultError(f"the server accepted it instead of status {status}")
