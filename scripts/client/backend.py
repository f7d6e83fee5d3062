"""The backend that a user of the app of 2026 configures: an address, and headers."""

import argparse
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

API_KEY_HEADER = "X-API-Key"
DEBUG_SERVER = "http://127.0.0.1:5264"
DEBUG_KEY = "test-web-auth-key-12345"
"""The API key in the app's debug build. It is public."""

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.6.2
_HEADER_VALUE = re.compile(r"[\x20-\x7e]+")


class Era(StrEnum):
    """The year of an app. Apps of both years are in use."""

    OF_2025 = "2025"
    OF_2026 = "2026"


@dataclass(frozen=True)
class Backend:
    """A base address, and the headers of each request to it."""

    base: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def url(self, path: str) -> str:
        """Return the address of a path, as the app forms it."""
        return f"{self.base}{path}"

    @property
    def api_key(self) -> str | None:
        """The value of the header `X-API-Key`."""
        names = {name.lower(): value for name, value in self.headers.items()}
        return names.get(API_KEY_HEADER.lower())


def base_address(text: str) -> str:
    """Return the base address that a user typed, as the app trims it.

    Raises:
        ValueError: the text is not a web address.
    """
    base = text.strip().rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise ValueError(f"{base} does not begin with http:// or https://")
    if not urlsplit(base).hostname:
        raise ValueError(f"{base} has no host")
    urlsplit(base).port  # noqa: B018 - raises ValueError
    return base


def add_header_options(parser: argparse.ArgumentParser) -> None:
    """Add the options `--api-key` and `--header`."""
    parser.add_argument(
        "--api-key",
        metavar="KEY",
        help=f"the header {API_KEY_HEADER} of each request. Default: the variable API_KEY, which "
        "the list of processes does not show",
    )
    parser.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a further header of each request; can be repeated",
    )


def headers_of(options: argparse.Namespace) -> dict[str, str]:
    """Return the headers of the command line, with the app's rules.

    Empty names and values are dropped. The last of two equal names wins.

    Raises:
        ValueError: a header is malformed. The message contains no value.
    """
    api_key = options.api_key or os.environ.get("API_KEY", "")
    texts = [f"{API_KEY_HEADER}={api_key}", *options.header]
    found: dict[str, tuple[str, str]] = {}
    for text in texts:
        name, _, value = (part.strip() for part in text.partition("="))
        if not name or not value:
            continue
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError("--header needs NAME=VALUE, and a name without spaces")
        if not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"the value of {name} has characters that a header cannot contain")
        # Names in another case are equal, as in HTTP.
        found[name.lower()] = name, value
    return dict(found.values())
