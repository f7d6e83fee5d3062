"""`./scripts/chat`: a talk with the coach in the terminal."""

import argparse
import sys
from concurrent.futures import Future
from contextlib import suppress
from typing import Any
from urllib.error import HTTPError

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from scripts.client.coach import CallFailedError, Coach, DisconnectedError
from scripts.client.plan_view import plan_view

_DEFAULT = "http://127.0.0.1:5264"
_DEBUG_TOKEN = "Web test-web-auth-key-12345"  # noqa: S105 - of the app's debug build
_LOCALE = "en-AU"

console = Console(highlight=False)


class Screen:
    """What the coach is saying, redrawn as it grows."""

    def __init__(self) -> None:
        self._words = Text()
        self._plan: RenderableType | None = None
        self._live: Live | None = None

    def receive(self, message: dict[str, Any]) -> None:
        """Take a message of the hub."""
        match message["type"]:
            case "messageResponse":
                self._words = Text(message["message"], style="cyan")
            case "chatPlan":
                self._plan = plan_view(message)
            case "updateRequired":
                self._words = Text(f"update to plan version {message['requiredVersion']}")
        if self._live is not None:
            self._live.update(self._drawn())

    def follow(self, coach: Coach, reply: "Future[None]") -> None:
        """Show a reply until it has ended; Ctrl-C stops it."""
        with Live(self._drawn(), console=console, vertical_overflow="visible") as self._live:
            while not reply.done():
                try:
                    with suppress(CallFailedError):
                        reply.result()
                except KeyboardInterrupt:
                    coach.stop()
            if (error := reply.exception()) is not None:
                self._words = Text(str(error), style="red")
            self._live.update(self._drawn())
        if not console.is_terminal:
            console.print()
        self._words, self._plan, self._live = Text(), None, None

    def _drawn(self) -> RenderableType:
        words = self._words or Text("...", style="dim")
        return Group(words, *([self._plan] if self._plan else []))


def _typed() -> str | None:
    """Return the next line that the user types; None if there is none."""
    try:
        line = console.input("[bold]you>[/] ").strip()
    except (EOFError, KeyboardInterrupt):
        return None
    if not console.is_terminal:
        console.print(line, markup=False)
    return line


def _talk(coach: Coach, screen: Screen) -> None:
    """Talk until the user has had enough."""
    screen.follow(coach, coach.introduce(_LOCALE))
    while (line := _typed()) not in (None, "/quit"):
        if line == "/restart":
            coach.restart()
            console.print("The coach has forgotten everything.", style="dim")
        elif line:
            screen.follow(coach, coach.say(line))


def main() -> int:
    """Talk with the server on the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="./scripts/chat", description="A talk with the coach, over SignalR as in the apps."
    )
    parser.add_argument(
        "server", nargs="?", default=_DEFAULT, help="its URL (default: %(default)s)"
    )
    parser.add_argument(
        "--old", action="store_true", help="talk to /ai-chat, as apps of 2025, not to /ai-chat-v2"
    )
    parser.add_argument(
        "--purchase-token",
        default=_DEBUG_TOKEN,
        metavar="TOKEN",
        help="'<Store> <token>' of a subscriber (default: %(default)s)",
    )
    options = parser.parse_args()
    server, token = options.server.rstrip("/"), options.purchase_token
    screen = Screen()
    try:
        with Coach(server, token, screen.receive, is_new=not options.old) as coach:
            console.print("Ctrl-C stops a reply. /restart begins anew, /quit ends.", style="dim")
            _talk(coach, screen)
    except HTTPError as error:
        console.print(f"[bold red]Refused:[/] {error}; is the purchase token right?")
        return 1
    except (DisconnectedError, OSError) as error:
        console.print(f"[bold red]No connection[/] to {server} {error}; is ./scripts/dev running?")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
