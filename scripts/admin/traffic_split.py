"""The shares of the traffic that the new services get, per family of routes, as they are wanted.

They lie in an object beside the functions' archives, from which Terraform takes them, too.
"""

import json
from collections.abc import Iterable, Mapping

from scripts.local.ports import SERVICES

FAMILIES = tuple(name for name in SERVICES if name != "cleanup")
"""The routes that are shared between new and old; each is a service of its own."""

ALL = "all"
WHOLE = 100

_KEEP_DATA = ("users", "events", "social", "sharing")
_OWN_DATA = "Old and new have data of their own"

Shares = Mapping[str, int]
"""Percent for the new service by family."""


def written(shares: Shares) -> str:
    """Return what the object holds."""
    return json.dumps(shares, sort_keys=True) + "\n"


def read(text: str) -> dict[str, int]:
    """Read what the object holds.

    Raises:
        ValueError: these are no shares, or one is missing.
    """
    shares = json.loads(text)
    if not isinstance(shares, dict) or not all(_is_share(each) for each in shares.values()):
        raise ValueError("it does not give percents by family")
    missing = [family for family in FAMILIES if family not in shares]
    if missing:
        raise ValueError(f"it does not say {', '.join(missing)}")
    return shares


def chosen(family: str, percent: int) -> dict[str, int]:
    """Return the shares that a command line asks for.

    Raises:
        ValueError: the chat cannot be shared.
    """
    families = FAMILIES if family == ALL else (family,)
    if "chat" in families and percent not in {0, WHOLE}:
        raise ValueError(
            "chat goes as a whole, 0 or 100: a client negotiates first and connects then, and both "
            "have to meet the same server. The other families can be shared one by one"
        )
    return dict.fromkeys(families, percent)


def warning(shares: Shares, changed: Iterable[str]) -> str | None:
    """Say what may go wrong with `shares` while old and new have data of their own; None: nothing.

    Args:
        shares: of all families, as they will be.
        changed: the families that are about to change.
    """
    if not set(changed) & set(_KEEP_DATA):
        return None
    if {shares[family] for family in _KEEP_DATA} in ({0}, {WHOLE}):
        return f"{_OWN_DATA}: what was written on one side is on the other only if it was copied."
    return (
        f"{_OWN_DATA}, and {', '.join(_KEEP_DATA)} need each other's.\n"
        "Unless both sides have the same data now, requests that meet the other side fail: accounts"
        " are\nunknown there, what was published is missing, and what is written stays there."
    )


def _is_share(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= WHOLE
