"""Other spellings of the contract's paths, and the route that a server selects for each.

A server percent-decodes a path once, merges slashes, drops a slash at the end, and compares
literals without regard to case. The tests compare the rules of `infra/` with this behaviour.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote

PREFIXES = ("", "/v2")
_PARAMETER = "2f1c9a"


def example_path(template: str) -> str:
    """Return a path that fits a template of the contract."""
    return re.sub(r"\{\w+\}", _PARAMETER, template)


def app_spellings(path: str) -> list[str]:
    """Return spellings of a path under both prefixes that installed apps may send."""
    return [
        spelling
        for prefix in PREFIXES
        for base in (prefix, f"/{prefix}")  # a base URL that ends with a slash
        for doubled in (f"{base}{path}", f"{base}/{path}")
        if not doubled.startswith("///")
        for ended in (doubled, f"{doubled}/", _with_doubled_end(doubled))
        for spelling in (ended, ended.upper(), ended.title())
    ]


def rare_spellings(path: str) -> list[str]:
    """Return spellings that no app sends, but that reach a route of a server."""
    with_prefixes = [f"{prefix}{path}" for prefix in PREFIXES]
    return [
        f"/v2//{path}",
        *(f"//{each}" for each in with_prefixes),
        *(f"/{each[1:].replace('/', '%2f')}" for each in with_prefixes),
        *(
            _encode(spelling, index)
            for each in with_prefixes
            for spelling in (each, each.upper(), f"/{each}/")
            for index in range(1, len(spelling))
        ),
    ]


def doubly_encoded(path: str) -> list[str]:
    """Return spellings with one character percent-encoded twice. They name other paths."""
    return [_encode(path, index).replace("%", "%25") for index in range(1, len(path))]


def find_route(path: str, templates: Iterable[str]) -> str | None:
    """Return the template that a server selects for a path; None if none fits."""
    decoded = re.sub("/+", "/", unquote(path)).removesuffix("/")
    bare = re.sub(r"^/v2(?=/)", "", decoded, flags=re.IGNORECASE | re.ASCII)
    # Literals come before parameters, as in the router.
    for template in sorted(templates, key=lambda each: "{" in each):
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, bare, flags=re.IGNORECASE | re.ASCII):
            return template
    return None


def _encode(path: str, index: int) -> str:
    return f"{path[:index]}%{ord(path[index]):02x}{path[index + 1 :]}"


def _with_doubled_end(path: str) -> str:
    head, _, last = path.rpartition("/")
    return f"{path}//" if not head or head.endswith("/") else f"{head}//{last}//"
