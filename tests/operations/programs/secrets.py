"""Secret Manager as gcloud shows it: secrets, and their versions.

The state's `secrets` maps an id to its versions, oldest first, each `{"created": instant,
"state": "ENABLED", "data": text}`.

Source: https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions
"""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

State = dict[str, Any]

_RESOURCE = "projects/123456789/secrets"


def list_secrets(state: State, _words: list[str], _flags: Mapping[str, str]) -> str:
    """Answer `gcloud secrets list --format=json`."""
    return json.dumps([{"name": f"{_RESOURCE}/{secret}"} for secret in state.get("secrets", {})])


def list_versions(state: State, words: list[str], _flags: Mapping[str, str]) -> str:
    """Answer `gcloud secrets versions list SECRET --format=json`, newest first."""
    versions = enumerate(_versions(state, words[0]), start=1)
    return json.dumps(
        [
            {
                "name": f"{_RESOURCE}/{words[0]}/versions/{number}",
                "createTime": version["created"],
                "state": version["state"],
                "etag": f'"{number}"',
            }
            for number, version in reversed(list(versions))
        ]
    )


def add(state: State, words: list[str], flags: Mapping[str, str]) -> str:
    """Do `gcloud secrets versions add SECRET --data-file=-`."""
    if flags["data-file"] != "-":
        raise KeyError("data-file")
    versions = _versions(state, words[0])
    created = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}789Z"
    versions.append({"created": created, "state": "ENABLED", "data": sys.stdin.read()})
    print(f"Created version [{len(versions)}] of the secret [{words[0]}].", file=sys.stderr)
    return ""


def disable(state: State, words: list[str], flags: Mapping[str, str]) -> str:
    """Do `gcloud secrets versions disable VERSION --secret=SECRET`."""
    version = _versions(state, flags["secret"])[int(words[0]) - 1]
    if version["state"] == "DESTROYED":
        raise KeyError("FAILED_PRECONDITION")
    version["state"] = "DISABLED"
    return ""


def _versions(state: State, secret: str) -> list[dict[str, Any]]:
    try:
        versions: list[dict[str, Any]] = state.get("secrets", {})[secret]
    except KeyError:
        raise KeyError(f"NOT_FOUND: Secret [{_RESOURCE}/{secret}] not found.") from None
    return versions


COMMANDS: dict[str, Callable[[State, list[str], Mapping[str, str]], str]] = {
    "secrets list": list_secrets,
    "secrets versions list": list_versions,
    "secrets versions add": add,
    "secrets versions disable": disable,
}
