"""Match paths of requests with the templates of routes.

Matching works as in ASP.NET, the server that installed apps were developed for. It ignores the case
of the fixed segments, repeated slashes and a trailing slash. Parameters keep their case.

Source: contract, heading "General".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Target = TypeVar("Target")

_PREFIX = "(?:/+v2)?"
"""Part of the public paths; installed apps also use paths without it."""


@dataclass(frozen=True)
class Found(Generic[Target]):
    """A template that a path matches, its target, and the parameters in the path."""

    template: str
    target: Target
    parameters: dict[str, str]


class Paths(Generic[Target]):
    """Targets by the templates of their paths, without the prefix: `/user/{idOrLookup}`.

    A last segment `{*rest}` also matches any number of further segments, or none.
    """

    def __init__(self, targets: Mapping[str, Target]) -> None:
        # Templates without parameters first: `/user/create` must not match `/user/{idOrLookup}`.
        self._patterns = [
            (_pattern(template), template, targets[template])
            for template in sorted(targets, key=lambda template: "{" in template)
        ]

    def find(self, path: str) -> Found[Target] | None:
        """Return the match of `path`, with or without the prefix; None if no template matches."""
        # A service has few templates, so a linear search is fast.
        for pattern, template, target in self._patterns:
            if match := pattern.fullmatch(path):
                return Found(template, target, match.groupdict())
        return None


def _pattern(template: str) -> re.Pattern[str]:
    segments = [segment for segment in template.split("/") if segment]
    path = "".join(_segment(segment) for segment in segments)
    # ASCII: otherwise the long s and the Kelvin sign would match `s` and `k`.
    return re.compile(f"{_PREFIX}{path}/*", re.IGNORECASE | re.ASCII | re.DOTALL)


def _segment(segment: str) -> str:
    if segment.startswith("{*"):
        return "(?:/.*)?"
    if segment.startswith("{"):
        return f"/+(?P<{segment[1:-1]}>[^/]+)"
    return f"/+{re.escape(segment)}"
