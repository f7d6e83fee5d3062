"""Match the path of a request against the templates of routes.

The comparison is that of ASP.NET, which installed apps were written against: the case of a path's
fixed parts, doubled slashes and a trailing slash do not count. Parameters keep their case.

Source: contract-2026-09, heading "Decisions of ours"
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Target = TypeVar("Target")

_PREFIX = "(?:/+v2)?"
"""The public form has it; installed apps call the form without it."""


@dataclass(frozen=True)
class Found(Generic[Target]):
    """A template that a path matches, its target, and the parameters in the path."""

    template: str
    target: Target
    parameters: dict[str, str]


class Paths(Generic[Target]):
    """Targets by the templates of their paths, without the prefix: `/user/{idOrLookup}`."""

    def __init__(self, targets: Mapping[str, Target]) -> None:
        # `/user/create` is no lookup: paths without parameters are tried first.
        self._entries = [
            (_pattern(template), template, targets[template])
            for template in sorted(targets, key=lambda template: "{" in template)
        ]

    def find(self, path: str) -> Found[Target] | None:
        """Return the match of `path`, with or without the prefix; None if no template matches."""
        for pattern, template, target in self._entries:
            if match := pattern.fullmatch(path):
                return Found(template, target, match.groupdict())
        return None


def _pattern(template: str) -> re.Pattern[str]:
    segments = [segment for segment in template.split("/") if segment]
    path = "".join(f"/+{_segment(segment)}" for segment in segments)
    # ASCII: otherwise the long s and the Kelvin sign would count as `s` and `k`.
    return re.compile(f"{_PREFIX}{path}/*", re.IGNORECASE | re.ASCII)


def _segment(segment: str) -> str:
    if segment.startswith("{"):
        return f"(?P<{segment[1:-1]}>[^/]+)"
    return re.escape(segment)
