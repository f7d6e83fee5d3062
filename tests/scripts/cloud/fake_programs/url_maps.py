"""URL maps in a fake gcloud.

The state's `url_maps` maps a name to a URL map of the API. An import replaces the given fingerprint
with the newest, like gcloud (surface/compute/url_maps/import.py of its source), so it never fails
after a concurrent change. With `url_map_import_fails` every import fails. `concurrent_url_map` is a
URL map that another process imports right after the next import.

Source: https://cloud.google.com/sdk/gcloud/reference/compute/url-maps/import and
https://cloud.google.com/compute/docs/reference/rest/v1/urlMaps
"""

import hashlib
import json
from typing import Any

import yaml

from tests.scripts.cloud.fake_programs.program_run import Program, ProgramRun, State


def export(state: State, run: ProgramRun) -> str:
    """Handle `gcloud compute url-maps export NAME --global`."""
    _check(run)
    return yaml.safe_dump(_url_map(state, run.words[0]))


def import_(state: State, run: ProgramRun) -> str:
    """Handle `gcloud compute url-maps import NAME --global --quiet`, from standard input."""
    _check(run)
    before = _url_map(state, run.words[0])
    if "quiet" not in run.flags:
        raise KeyError("without --quiet gcloud asks for confirmation")
    if state.get("url_map_import_fails"):
        raise KeyError("412 conditionNotMet")
    given = yaml.safe_load(run.stdin.decode())
    if given["name"] != run.words[0] or given["id"] != before["id"]:
        raise KeyError("another URL map")
    state["url_maps"][run.words[0]] = state.pop("concurrent_url_map", None) or {
        **given,
        "fingerprint": hashlib.sha256(json.dumps(given).encode()).hexdigest()[:11] + "=",
    }
    return ""


def _url_map(state: State, name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = state.get("url_maps", {})[name]
    except KeyError:
        raise KeyError(f"The resource 'global/urlMaps/{name}' was not found") from None
    return found


def _check(run: ProgramRun) -> None:
    if "global" not in run.flags:
        raise KeyError("missing region")


COMMANDS: dict[str, Program] = {
    "compute url-maps export": export,
    "compute url-maps import": import_,
}
