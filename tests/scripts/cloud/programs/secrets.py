"""Secret Manager as gcloud shows it: secrets, and their versions.

The state's `secrets` maps an id to its versions, oldest first, each `{"created": instant,
"state": "ENABLED", "data": text}`.

Source: https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions
"""

import json
from datetime import UTC, datetime
from typing import Any

from tests.scripts.cloud.programs.call import Call, Command, State

_RESOURCE = "projects/123456789/secrets"


def list_secrets(state: State, _call: Call) -> str:
    """Answer `gcloud secrets list --format=json`."""
    return json.dumps([{"name": f"{_RESOURCE}/{secret}"} for secret in state.get("secrets", {})])


def list_versions(state: State, call: Call) -> str:
    """Answer `gcloud secrets versions list SECRET --format=json`, newest first."""
    versions = enumerate(_versions(state, call.words[0]), start=1)
    return json.dumps(
        [
            {
                "name": f"{_RESOURCE}/{call.words[0]}/versions/{number}",
                "createTime": version["created"],
                "state": version["state"],
                "etag": f'"{number}"',
            }
            for number, version in reversed(list(versions))
        ]
    )


def add(state: State, call: Call) -> str:
    """Do `gcloud secrets versions add SECRET --data-file=-`."""
    if call.flags["data-file"] != "-":
        raise KeyError("data-file")
    versions = _versions(state, call.words[0])
    created = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}789Z"
    versions.append({"created": created, "state": "ENABLED", "data": call.given.decode()})
    return ""


def disable(state: State, call: Call) -> str:
    """Do `gcloud secrets versions disable VERSION --secret=SECRET`."""
    version = _versions(state, call.flags["secret"])[int(call.words[0]) - 1]
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


COMMANDS: dict[str, Command] = {
    "secrets list": list_secrets,
    "secrets versions list": list_versions,
    "secrets versions add": add,
    "secrets versions disable": disable,
}
