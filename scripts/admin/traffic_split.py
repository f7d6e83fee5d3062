"""The traffic split between the new services and the old one, by family of routes.

An object beside the archives of the functions holds the configured split. Terraform reads it too.
"""

import json
from collections.abc import Iterable, Mapping

from scripts.local.ports import SERVICES

FAMILIES = tuple(name for name in SERVICES if name != "cleanup")
"""Families of routes, each with a service of the same name. No app calls the cleanup."""

_ADDED_LATER = ("backup",)
"""Families that the object of an older environment lacks: the old service gets their requests."""

ALL = "all"
FULL_PERCENT = 100

# `ai` and `chat` keep only counters, so each side can have its own.
_FAMILIES_WITH_DATA = ("users", "events", "social", "sharing")
_SEPARATE_DATA = "The new and the old service have separate databases"

TrafficSplit = Mapping[str, int]
"""Percent for the new service by family."""


def format_split(split: TrafficSplit) -> str:
    """Return the content of the object."""
    return json.dumps(split, sort_keys=True) + "\n"


def parse_split(text: str) -> dict[str, int]:
    """Read the content of the object.

    Raises:
        ValueError: the text has another form, or a family is missing.
    """
    split = json.loads(text)
    if not isinstance(split, dict) or not all(_is_percent(each) for each in split.values()):
        raise ValueError("it does not map families to percents")
    split = dict.fromkeys(_ADDED_LATER, 0) | split
    missing = [family for family in FAMILIES if family not in split]
    if missing:
        raise ValueError(f"no percent for {', '.join(missing)}")
    return split


def requested_split(family: str, percent: int) -> dict[str, int]:
    """Return the part of the split that a command line changes.

    Raises:
        ValueError: the chat cannot be split.
    """
    families = FAMILIES if family == ALL else (family,)
    if "chat" in families and percent not in {0, FULL_PERCENT}:
        raise ValueError(
            "chat needs 0 or 100: a client negotiates first and connects then, and both requests "
            "must reach the same server. The other families can be split one by one"
        )
    return dict.fromkeys(families, percent)


def find_risk(split: TrafficSplit, changed: Iterable[str]) -> str | None:
    """Return a warning about data that a new split separates; None if there is no risk.

    Args:
        split: the new split of all families.
        changed: the families that change.
    """
    if not set(changed) & set(_FAMILIES_WITH_DATA):
        return None
    if {split[family] for family in _FAMILIES_WITH_DATA} in ({0}, {FULL_PERCENT}):
        return f"{_SEPARATE_DATA}: one side has data of the other only if it was copied."
    return (
        f"{_SEPARATE_DATA}, and {', '.join(_FAMILIES_WITH_DATA)} read each other's data.\n"
        "Unless both databases are equal now, requests that reach the other side fail: accounts"
        " are\nunknown there, published data is missing, and new data stays there."
    )


def _is_percent(value: object) -> bool:
    # A boolean is an int in Python, but not a percent.
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= FULL_PERCENT
