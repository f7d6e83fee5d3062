"""`./scripts/chat`: a conversation with the coach in the terminal."""

import argparse
import json
import os
import sys
from http import HTTPStatus
from urllib.error import HTTPError, URLError

from rich.console import Console
from rich.text import Text

from scripts.client.coach import Coach, DisconnectedError
from scripts.client.screen import Screen

_DEFAULT = "http://127.0.0.1:5264"
_DEBUG_TOKEN = "Web test-web-auth-key-12345"  # noqa: S105 - the key in the app's debug build
_LOCALE = "en-AU"
_HELP = "Ctrl-C stops a reply. /restart starts a new conversation, /quit ends the program."

console = Console(highlight=False)


def _typed() -> str | None:
    """Return the next line of input; None at its end."""
    try:
        line = console.input("[bold]you>[/] ").strip()
    except (EOFError, KeyboardInterrupt):
        console.print()
        return None
    # A pipe does not echo the input.
    if not console.is_terminal:
        console.print(line, markup=False)
    return line


def _converse(coach: Coach, screen: Screen) -> None:
    """Send each line of input to the coach, until `/quit` or the end of the input."""
    screen.follow(coach, coach.introduce(_LOCALE))
    while (line := _typed()) is not None and line != "/quit":
        if line == "/restart":
            coach.restart()
            console.print("New conversation.", style="dim")
        elif line.startswith("/"):
            console.print(_HELP, style="dim")
        elif line:
            screen.follow(coach, coach.send(line))


def main() -> int:
    """Run the conversation and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="./scripts/chat",
        description="Start a conversation with the coach, over SignalR as in the apps.",
    )
    parser.add_argument(
        "server", nargs="?", default=_DEFAULT, help="its URL (default: %(default)s)"
    )
    parser.add_argument(
        "--old", action="store_true", help="use /ai-chat, as apps of 2025, instead of /ai-chat-v2"
    )
    parser.add_argument(
        "--purchase-token",
        default=os.environ.get("PURCHASE_TOKEN") or _DEBUG_TOKEN,
        metavar="TOKEN",
        help="'<Store> <token>' of a subscriber (default: the variable PURCHASE_TOKEN, or "
        f"{_DEBUG_TOKEN})",
    )
    options = parser.parse_args()
    server, screen = options.server.rstrip("/"), Screen(console)
    if not server.startswith(("http://", "https://")):
        parser.error(f"{server} does not begin with http:// or https://")
    coach = Coach(server, options.purchase_token, screen.receive, is_new=not options.old)
    try:
        with coach:
            console.print(_HELP, style="dim")
            _converse(coach, screen)
    except HTTPError as error:
        console.print(f"[bold red]Refused[/] with {error.code}:", Text(_reason(error)))
        if error.code == HTTPStatus.UNAUTHORIZED:
            console.print("Use --purchase-token '<Store> <token>' for another token.")
    except DisconnectedError:
        console.print(
            "[bold red]The connection has ended[/]; run ./scripts/chat for a new conversation."
        )
    except OSError as error:
        reason = error.reason if isinstance(error, URLError) else error
        console.print(
            f"[bold red]No connection[/] to {server}: {reason}; is ./scripts/dev running?"
        )
    else:
        return 0
    return 1


def _reason(error: HTTPError) -> str:
    """Return the detail of the problem response (RFC 9457)."""
    try:
        return str(json.load(error)["detail"])
    except (ValueError, TypeError, KeyError):
        return error.reason


if __name__ == "__main__":
    sys.exit(main())
