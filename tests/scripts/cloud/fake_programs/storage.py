"""Cloud Storage in a fake gcloud: objects with a generation that every write raises.

The state's `objects` maps a URL to `{"generation": number, "data": text}`. With
`objects_change_when_read`, another process writes an object after every read.

Source: https://cloud.google.com/sdk/gcloud/reference/storage/cp (--if-generation-match) and
https://cloud.google.com/storage/docs/metadata#generation-number
"""

import json
from typing import Any

from tests.scripts.cloud.fake_programs.program_run import Program, ProgramRun, State


def describe(state: State, run: ProgramRun) -> str:
    """Handle `gcloud storage objects describe URL --format=json`."""
    found = _object(state, run.words[0])
    bucket, _, name = run.words[0].removeprefix("gs://").partition("/")
    return json.dumps(
        {
            "bucket": bucket,
            "content_type": "application/json",
            "generation": str(found["generation"]),
            "name": name,
            "storage_url": f"{run.words[0]}#{found['generation']}",
        }
    )


def cat(state: State, run: ProgramRun) -> str:
    """Handle `gcloud storage cat URL`."""
    found = _object(state, run.words[0])
    found["generation"] += state.get("objects_change_when_read", False)
    return str(found["data"])


def cp(state: State, run: ProgramRun) -> str:
    """Handle `gcloud storage cp - URL`, with the precondition `--if-generation-match`."""
    source, url = run.words
    if source != "-":
        raise KeyError(source)
    now = state.setdefault("objects", {}).get(url, {"generation": 0})["generation"]
    if str(now) != run.flags.get("if-generation-match", str(now)):
        raise KeyError("HTTPError 412: one of the pre-conditions you specified did not hold")
    state["objects"][url] = {"generation": now + 1, "data": run.stdin.decode()}
    return ""


def _object(state: State, url: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = state.get("objects", {})[url]
    except KeyError:
        raise KeyError(f"{url} not found: 404.") from None
    return found


COMMANDS: dict[str, Program] = {
    "storage objects describe": describe,
    "storage cat": cat,
    "storage cp": cp,
}
