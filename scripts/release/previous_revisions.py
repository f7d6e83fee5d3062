"""History of the revisions that each release replaced, for rollbacks.

Cloud Run does not record which revisions served. A ready revision may never have had traffic: its
release failed before or during the canary.
"""

import json
from collections.abc import Mapping, Sequence

OBJECT_NAME = "releases.json"
_MAX_RELEASES = 50

ReplacedRevisions = Mapping[str, str]
"""For each service of a release, the revision that had all traffic before."""


def parse_history(text: str) -> list[ReplacedRevisions]:
    """Read the content of the object; newest release first.

    Raises:
        ValueError: the text has another form.
    """
    history = json.loads(text)
    if not isinstance(history, list) or not all(_is_release(each) for each in history):
        raise ValueError("it does not list revisions by service for each release")
    return history


def add_release(
    history: Sequence[ReplacedRevisions], replaced: ReplacedRevisions
) -> list[ReplacedRevisions]:
    """Return the history with one more release; a repeated release is added once."""
    # A failed canary is often repeated, and would otherwise push older releases out.
    older = history[1:] if list(history[:1]) == [replaced] else history
    return [replaced, *older][:_MAX_RELEASES]


def format_history(history: Sequence[ReplacedRevisions]) -> str:
    """Return the content of the object."""
    return json.dumps(history, sort_keys=True, indent=1) + "\n"


def served_revisions(history: Sequence[ReplacedRevisions], service: str) -> set[str]:
    """Return the revisions of a service that had all traffic."""
    return {each[service] for each in history if service in each}


def _is_release(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
