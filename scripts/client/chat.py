"""`./scripts/chat`: a conversation with the coach in the terminal."""

import argparse
import json
import os
import sys
from http import HTTPStatus
from urllib.error import HTTPError, URLError

from rich.console import Console
from rich.text import Text

from scripts.client.backend import (
    API_KEY_HEADER,
    DEBUG_KEY,
    DEBUG_SERVER,
    Era,
    add_header_options,
    base_address,
    headers_of,
)
from scripts.client.coach import Coach, DisconnectedError
from scripts.client.screen import Screen

_DEBUG_TOKEN = f"Web {DEBUG_KEY}"
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./scripts/chat",
        description="Start a conversation with the coach, over SignalR as in the apps.",
    )
    parser.add_argument(
        "server", nargs="?", default=DEBUG_SERVER, help="its URL (default: %(default)s)"
    )
    parser.add_argument(
        "--era",
        choices=[*Era],
        type=Era,
        default=Era.OF_2026,
        help="the year of the app: 2026 uses /ai-chat-v2 and headers, 2025 uses /ai-chat and "
        "access_token (default: %(default)s)",
    )
    add_header_options(parser)
    parser.add_argument(
        "--purchase-token",
        default=os.environ.get("PURCHASE_TOKEN") or None,
        metavar="TOKEN",
        help="'<Store> <token>' of a subscriber. Default: the variable PURCHASE_TOKEN. Without "
        f"credentials, the key of ./scripts/dev is used: {DEBUG_KEY}",
    )
    return parser


def _coach(server: str, options: argparse.Namespace, screen: Screen) -> Coach:
    """Return the client with the credentials of the command line.

    Raises:
        ValueError: an argument is malformed, or apps of this year do not have it.
    """
    token = options.purchase_token
    if options.era is Era.OF_2025:
        if options.api_key or options.header:
            raise ValueError("apps of 2025 send no headers: use --purchase-token")
        return Coach(server, token or _DEBUG_TOKEN, screen.receive, is_new=False)
    headers = headers_of(options)
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    headers = headers or {API_KEY_HEADER: DEBUG_KEY}
    return Coach(server, None, screen.receive, headers=headers)


def main() -> int:
    """Run the conversation and return the exit status."""
    parser = _parser()
    options = parser.parse_args()
    screen = Screen(console)
    try:
        server = base_address(options.server)
        coach = _coach(server, options, screen)
    except ValueError as error:
        parser.error(str(error))
    try:
        with coach:
            console.print(_HELP, style="dim")
            _converse(coach, screen)
    except HTTPError as error:
        console.print(f"[bold red]Refused[/] with {error.code}:", Text(_reason(error)))
        if error.code == HTTPStatus.UNAUTHORIZED:
            console.print("Use --api-key KEY or --purchase-token '<Store> <token>'.")
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
