"""Secret Manager in a fake gcloud: secrets and their versions.

The state's `secrets` maps an id to its versions, oldest first, each `{"created": instant,
"state": "ENABLED", "data": text}`.

Source: https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions
"""

import json
from datetime import UTC, datetime
from typing import Any

from tests.scripts.cloud.fake_programs.program_run import Program, ProgramRun, State

_RESOURCE = "projects/123456789/secrets"


def list_secrets(state: State, _run: ProgramRun) -> str:
    """Handle `gcloud secrets list --format=json`."""
    return json.dumps([{"name": f"{_RESOURCE}/{secret}"} for secret in state.get("secrets", {})])


def list_versions(state: State, run: ProgramRun) -> str:
    """Handle `gcloud secrets versions list SECRET --format=json`; newest first."""
    versions = enumerate(_versions(state, run.words[0]), start=1)
    return json.dumps(
        [
            {
                "name": f"{_RESOURCE}/{run.words[0]}/versions/{number}",
                "createTime": version["created"],
                "state": version["state"],
                "etag": f'"{number}"',
            }
            for number, version in reversed(list(versions))
        ]
    )


def add_version(state: State, run: ProgramRun) -> str:
    """Handle `gcloud secrets versions add SECRET --data-file=-`."""
    if run.flags["data-file"] != "-":
        raise KeyError("data-file")
    versions = _versions(state, run.words[0])
    created = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}789Z"
    versions.append({"created": created, "state": "ENABLED", "data": run.stdin.decode()})
    return ""


def disable_version(state: State, run: ProgramRun) -> str:
    """Handle `gcloud secrets versions disable VERSION --secret=SECRET`."""
    version = _versions(state, run.flags["secret"])[int(run.words[0]) - 1]
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


COMMANDS: dict[str, Program] = {
    "secrets list": list_secrets,
    "secrets versions list": list_versions,
    "secrets versions add": add_version,
    "secrets versions disable": disable_version,
}
