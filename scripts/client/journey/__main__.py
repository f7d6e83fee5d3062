"""The command line of the journey."""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping

import httpx
from rich.console import Console

from scripts.client.api import FUNCTION_OF, Api, RefusedError
from scripts.client.backend import (
    API_KEY_HEADER,
    DEBUG_KEY,
    DEBUG_SERVER,
    Era,
    add_header_options,
    base_address,
    headers_of,
)
from scripts.client.crypto import ForgedError
from scripts.client.journey.journey import Journey
from scripts.client.journey.steps import UnexpectedResultError

_FUNCTIONS = tuple(dict.fromkeys(FUNCTION_OF.values()))
_NEEDED = ("users", "events", "social", "sharing")

console = Console(highlight=False, soft_wrap=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./scripts/journey",
        description="Run the journey of two users, Alice and Bob, against a server.",
    )
    parser.add_argument(
        "address",
        nargs="*",
        help=f"the server's URL (default: {DEBUG_SERVER}, with the API key of ./scripts/dev), "
        f"or one per function: {' '.join(f'{name}=URL' for name in _FUNCTIONS)}",
    )
    parser.add_argument(
        "--era",
        choices=[*Era],
        type=Era,
        default=Era.OF_2026,
        help="the year of the apps (default: %(default)s)",
    )
    add_header_options(parser)
    parser.add_argument(
        "--purchase-token",
        metavar="TOKEN",
        default=os.environ.get("PURCHASE_TOKEN") or None,
        help="'<Store> <token>' of a subscriber, for the planner. Default: the variable "
        "PURCHASE_TOKEN, which the list of processes does not show",
    )
    return parser


def _addresses(given: list[str], needed: tuple[str, ...]) -> dict[str, str]:
    """Parse `URL` or `FUNCTION=URL ...`.

    Raises:
        ValueError: the text has another form. The message names the problem.
    """
    addresses: dict[str, str] = {}
    for address in given or [DEBUG_SERVER]:
        name, _, url = address.rpartition("=")
        if name and name not in _FUNCTIONS:
            raise ValueError(f"unknown function {name}")
        if name in addresses:
            raise ValueError(f"two URLs for {name or 'all functions'}")
        addresses[name] = base_address(url)
    missing = [] if "" in addresses else [name for name in needed if name not in addresses]
    if missing:
        raise ValueError(f"no URL for {', '.join(missing)}")
    return addresses


def _parsed(options: argparse.Namespace) -> tuple[dict[str, str], dict[str, str]]:
    """Return the addresses and the headers.

    Raises:
        ValueError: an argument is malformed, or apps of this year do not have it.
    """
    if options.era is Era.OF_2025:
        if options.api_key or options.header:
            raise ValueError("apps of 2025 send no headers: use --purchase-token")
        needed = _NEEDED if options.purchase_token is None else (*_NEEDED, "ai")
        return _addresses(options.address, needed), {}
    addresses, headers = _addresses(options.address, _NEEDED), headers_of(options)
    if addresses.get("") == DEBUG_SERVER and not headers:
        headers = {API_KEY_HEADER: DEBUG_KEY}
    return addresses, headers


async def _run(
    addresses: Mapping[str, str], headers: Mapping[str, str], era: Era, token: str | None
) -> int:
    # Servers close idle connections after two seconds or more. Close them earlier here.
    async with httpx.AsyncClient(limits=httpx.Limits(keepalive_expiry=1)) as http:
        journey = Journey(Api(addresses, http, era, headers), token, console)
        try:
            await journey.run()
        except (UnexpectedResultError, RefusedError, ForgedError) as error:
            console.print(f"[bold red]The journey failed:[/] {type(error).__name__} {error}")
            return 1
        except httpx.TransportError as error:
            console.print(f"[bold red]No response:[/] {error}; is ./scripts/dev running?")
            return 1
    console.print(f"[bold green]All {journey.steps} steps passed.[/]")
    return 0


def main() -> int:
    """Run the journey against the URLs of the command line and return the exit status."""
    parser = _parser()
    options = parser.parse_args()
    try:
        addresses, headers = _parsed(options)
    except ValueError as error:
        parser.error(str(error))
    return asyncio.run(_run(addresses, headers, options.era, options.purchase_token))


if __name__ == "__main__":
    sys.exit(main())
