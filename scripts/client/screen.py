"""Show the reply of the coach in the terminal."""

from collections.abc import Iterator
from concurrent.futures import Future, wait
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from scripts.client.coach import Coach, DisconnectedError, InvocationFailedError
from scripts.client.plan_view import plan_view

_DOTS = Text("...", style="dim")


class Screen:
    """A reply, redrawn for each message."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._words = Text()
        self._plan: RenderableType | None = None
        self._live: Live | None = None

    def receive(self, message: dict[str, Any]) -> None:
        """Show a message of the hub."""
        match message["type"]:
            case "messageResponse":
                self._words = Text(message["message"], style="cyan")
            case "chatPlan":
                self._plan = plan_view(message)
            case "updateRequired":
                self._words = Text(f"The app needs plan version {message['requiredVersion']}")
        if self._live is not None:
            self._live.update(_End(self._drawn()))

    def follow(self, coach: Coach, reply: "Future[None]") -> None:
        """Show a reply until its end. Ctrl-C stops the reply.

        Raises:
            DisconnectedError: the connection has ended.
        """
        with Live(_End(self._drawn()), console=self._console, transient=True) as self._live:
            while not reply.done():
                try:
                    wait([reply])
                except KeyboardInterrupt:
                    coach.stop()
        error = reply.exception()
        if isinstance(error, InvocationFailedError):
            self._words = Text(str(error), style="red")
        self._console.print(self._drawn())
        # A blank line separates replies in a pipe, where nothing is redrawn.
        if not self._console.is_terminal:
            self._console.print()
        self._words, self._plan, self._live = Text(), None, None
        if isinstance(error, DisconnectedError):
            raise error

    def _drawn(self) -> RenderableType:
        return Group(self._words or _DOTS, *([self._plan] if self._plan else []))


class _End:
    """The last lines of a view. A view taller than the terminal cannot be redrawn."""

    def __init__(self, whole: RenderableType) -> None:
        self._whole = whole

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        lines = console.render_lines(self._whole, options, pad=False)
        # One line less than the terminal: a full screen would scroll before the next redraw.
        for line in lines[1 - console.height :]:
            yield from line
            yield Segment.line()
