"""Whether a secret that the tests used is in anything that the tests' processes logged.

Secrets are what clients send that nobody else may see: they are noted on their way out. So are our
prompts and a key of ours, and what every reply and every plan of the model's stand-in have in them;
what else tests make up begins with MARK.
"""

import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx

from scripts.fakes import revenuecat
from scripts.fakes.conversation import INTRODUCTION
from shared.planner.prompts import COACH, PLAN_MAKER
from shared.telemetry.json_lines import JsonFormatter
from shared.telemetry.settings import TelemetrySettings

MARK = "SECRET-"

_SENSITIVE = frozenset(
    {"password", "followSecret", "encryptedMessage", "additionalInfo", "goals", "iv"}
    | {"exerciseToKilograms", "areasToWorkout", "encryptedEventPayload", "encryptedPayload"}
    | {"encryptedCurrentPlan", "encryptedName", "encryptedProfilePicture"}
)
_SHORTEST = 10  # shorter ones may stand in a log by chance
_ENOUGH = 200  # of a picture, that much would be noticed
_NOT_OURS = ("httpcore", "httpx", "hypothesis", "websockets")
"""The tests' own clients, and what draws examples."""

_PROMPTS = (*PLAN_MAKER.splitlines(), *COACH.splitlines())
_noted = {
    revenuecat.KEY,
    INTRODUCTION,
    "plannedSets",
    *(p for p in _PROMPTS if len(p) >= _SHORTEST),
}


async def note_request(request: httpx.Request) -> None:
    """Note the secrets of a request; a hook for httpx."""
    _note([request.headers.get("authorization", "").rpartition(" ")[2]])
    if request.headers.get("content-type") == "application/json":
        try:
            _note(_secrets_of(json.loads(request.content)))
        except ValueError:
            return


def _note(values: Iterable[str]) -> None:
    _noted.update(value[:_ENOUGH] for value in values if len(value) >= _SHORTEST)


def _secrets_of(content: Any, *, is_secret: bool = False) -> Iterator[str]:
    """Yield every text below a sensitive name, and every name there."""
    match content:
        case dict():
            for name, value in content.items():
                if is_secret:
                    yield str(name)
                yield from _secrets_of(value, is_secret=is_secret or name in _SENSITIVE)
        case list():
            for value in content:
                yield from _secrets_of(value, is_secret=is_secret)
        case str() if is_secret:
            yield content
        case _:
            return


def listen(directory: Path, process: str) -> None:
    """Write everything that our code here logs, at any level, to a file in `directory`.

    In the form that it has in production: what that keeps to itself may be an error's message.
    """
    root = logging.getLogger()
    handler = logging.FileHandler(directory / f"{process}.log")
    handler.setFormatter(JsonFormatter(TelemetrySettings()))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in _NOT_OURS:
        logging.getLogger(name).setLevel(logging.WARNING)


def save(directory: Path, process: str) -> None:
    """Write what was noted in this process to a file in `directory`."""
    (directory / f"{process}.json").write_text(json.dumps(sorted(_noted)))


def found(directory: Path, logs: Iterable[str]) -> list[str]:
    """Return the lines, of `logs` and of the files in `directory`, that hold a secret."""
    secrets = {MARK}
    for noted in directory.glob("*.json"):
        secrets.update(json.loads(noted.read_text()))
    texts = [*logs, *(log.read_text(errors="replace") for log in directory.glob("*.log"))]
    lines = {line for text in texts for line in text.splitlines()}
    everything = "\n".join(lines)
    present = [secret for secret in secrets if secret in everything]
    return sorted(line for line in lines if any(secret in line for secret in present))
