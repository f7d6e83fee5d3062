"""What each release replaced: the revisions that served before it, which are the way back.

A revision that is ready need not have served: its release may have ended before its canary, or been
returned by it.
"""

import json
from collections.abc import Mapping, Sequence

FILE = "releases.json"
_KEPT = 50

Replaced = Mapping[str, str]
"""By service, the revision that had all its traffic before a release."""


def read(text: str) -> list[Replaced]:
    """Read what the object holds; newest release first.

    Raises:
        ValueError: that is no history.
    """
    history = json.loads(text)
    if not isinstance(history, list) or not all(_is_replaced(each) for each in history):
        raise ValueError("it does not give revisions by service, release by release")
    return history


def with_release(history: Sequence[Replaced], replaced: Replaced) -> list[Replaced]:
    """Return the history with one release more, unless it is the newest, which is tried again."""
    return [replaced, *(history[1:] if list(history[:1]) == [replaced] else history)][:_KEPT]


def written(history: Sequence[Replaced]) -> str:
    """Return what the object holds."""
    return json.dumps(history, sort_keys=True, indent=1) + "\n"


def served(history: Sequence[Replaced], service: str) -> set[str]:
    """Return the revisions of a service that have served."""
    return {each[service] for each in history if service in each}


def _is_replaced(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
