"""Search the logs of all test processes for secrets that the tests used.

Secrets are the sensitive fields of requests, which a hook records when the test client sends them.
Our prompts, a key, and texts of the fake model are also secrets. Other secrets begin with MARK.
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
_MIN_SECRET_CHARACTERS = 10  # shorter texts can be in a log for other reasons
_MAX_SECRET_CHARACTERS = 200  # the beginning of a picture is enough to find it
_TEST_LOGGERS = ("httpcore", "httpx", "hypothesis", "websockets")
"""Loggers of the tests' clients and of Hypothesis."""

_PROMPTS = (*PLAN_MAKER.splitlines(), *COACH.splitlines())
_recorded = {
    revenuecat.KEY,
    INTRODUCTION,
    "plannedSets",
    *(p for p in _PROMPTS if len(p) >= _MIN_SECRET_CHARACTERS),
}


async def note_request(request: httpx.Request) -> None:
    """Record the secrets of a request; a hook for httpx."""
    _record([request.headers.get("authorization", "").rpartition(" ")[2]])
    _record([request.headers.get("x-api-key", ""), request.headers.get("remote-user", "")])
    if request.headers.get("content-type") == "application/json":
        try:
            _record(_secrets_of(json.loads(request.content)))
        except ValueError:
            return


def _record(values: Iterable[str]) -> None:
    _recorded.update(
        value[:_MAX_SECRET_CHARACTERS] for value in values if len(value) >= _MIN_SECRET_CHARACTERS
    )


def _secrets_of(content: Any, *, is_secret: bool = False) -> Iterator[str]:
    """Yield every text and every name below a sensitive field."""
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
    """Write all log entries of this process, at any level, to a file in `directory`.

    Entries have the production format, which removes the messages of exceptions.
    """
    root = logging.getLogger()
    handler = logging.FileHandler(directory / f"{process}.log")
    handler.setFormatter(JsonFormatter(TelemetrySettings()))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in _TEST_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def save(directory: Path, process: str) -> None:
    """Write the recorded secrets of this process to a file in `directory`."""
    (directory / f"{process}.json").write_text(json.dumps(sorted(_recorded)))


def found(directory: Path, logs: Iterable[str]) -> list[str]:
    """Return the lines of `logs` and of the files in `directory` that contain a secret."""
    secrets = {MARK}
    for file in directory.glob("*.json"):
        secrets.update(json.loads(file.read_text()))
    texts = [*logs, *(log.read_text(errors="replace") for log in directory.glob("*.log"))]
    lines = {line for text in texts for line in text.splitlines()}
    everything = "\n".join(lines)
    present = [secret for secret in secrets if secret in everything]
    return sorted(line for line in lines if any(secret in line for secret in present))
