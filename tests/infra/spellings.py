"""Paths of the contract in other spellings, and the route that the servers take each for.

A server percent-decodes a path once, takes a run of slashes for one, drops a slash at the end, and
compares literals without regard to case. The rules of `infra/` are held against this.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote

PREFIXES = ("", "/v2")
_PARAMETER = "2f1c9a"


def plain(template: str) -> str:
    """Return a path of a route, as the contract writes it."""
    return re.sub(r"\{\w+\}", _PARAMETER, template)


def usual(path: str) -> list[str]:
    """Return spellings of a path under both prefixes, as installed apps may send them."""
    return [
        spelling
        for prefix in PREFIXES
        for base in (prefix, f"/{prefix}")  # a base address that ends with a slash
        for doubled in (f"{base}{path}", f"{base}/{path}")
        if not doubled.startswith("///")
        for ended in (doubled, f"{doubled}/", _with_doubled_end(doubled))
        for spelling in (ended, ended.upper(), ended.title())
    ]


def unusual(path: str) -> list[str]:
    """Return spellings that no app sends, but that reach a route of a server."""
    wholes = [f"{prefix}{path}" for prefix in PREFIXES]
    return [
        f"/v2//{path}",
        *(f"//{whole}" for whole in wholes),
        *(f"/{whole[1:].replace('/', '%2f')}" for whole in wholes),
        *(
            _encoded(spelling, place)
            for whole in wholes
            for spelling in (whole, whole.upper(), f"/{whole}/")
            for place in range(1, len(spelling))
        ),
    ]


def doubly_encoded(path: str) -> list[str]:
    """Return spellings with one letter that is percent-encoded twice: other paths."""
    return [_encoded(path, place).replace("%", "%25") for place in range(1, len(path))]


def route_of(path: str, templates: Iterable[str]) -> str | None:
    """Return the template that a server takes a request's path for; None: it has none."""
    decoded = re.sub("/+", "/", unquote(path)).removesuffix("/")
    bare = re.sub(r"^/v2(?=/)", "", decoded, flags=re.IGNORECASE | re.ASCII)
    for template in sorted(templates, key=lambda each: "{" in each):
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, bare, flags=re.IGNORECASE | re.ASCII):
            return template
    return None


def _encoded(path: str, place: int) -> str:
    return f"{path[:place]}%{ord(path[place]):02x}{path[place + 1 :]}"


def _with_doubled_end(path: str) -> str:
    head, _, last = path.rpartition("/")
    return f"{path}//" if not head or head.endswith("/") else f"{head}//{last}//"
