"""Cloud Storage as gcloud shows it: objects, each with a generation that every change raises.

The state's `objects` maps a URL to `{"generation": number, "data": text}`. With
`objects_change_when_read` somebody else writes an object again as soon as it was read.

Source: https://cloud.google.com/sdk/gcloud/reference/storage/cp (--if-generation-match) and
https://cloud.google.com/storage/docs/metadata#generation-number
"""

import json
from typing import Any

from tests.scripts.cloud.programs.call import Call, Command, State


def describe(state: State, call: Call) -> str:
    """Answer `gcloud storage objects describe URL --format=json`."""
    found = _found(state, call.words[0])
    bucket, _, name = call.words[0].removeprefix("gs://").partition("/")
    return json.dumps(
        {
            "bucket": bucket,
            "content_type": "application/json",
            "generation": str(found["generation"]),
            "name": name,
            "storage_url": f"{call.words[0]}#{found['generation']}",
        }
    )


def cat(state: State, call: Call) -> str:
    """Answer `gcloud storage cat URL`."""
    found = _found(state, call.words[0])
    found["generation"] += state.get("objects_change_when_read", False)
    return str(found["data"])


def cp(state: State, call: Call) -> str:
    """Do `gcloud storage cp - URL`, if the generation is as `--if-generation-match` says."""
    source, url = call.words
    if source != "-":
        raise KeyError(source)
    now = state.setdefault("objects", {}).get(url, {"generation": 0})["generation"]
    if str(now) != call.flags.get("if-generation-match", str(now)):
        raise KeyError("HTTPError 412: one of the pre-conditions you specified did not hold")
    state["objects"][url] = {"generation": now + 1, "data": call.given.decode()}
    return ""


def _found(state: State, url: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = state.get("objects", {})[url]
    except KeyError:
        raise KeyError(f"{url} not found: 404.") from None
    return found


COMMANDS: dict[str, Command] = {
    "storage objects describe": describe,
    "storage cat": cat,
    "storage cp": cp,
}
