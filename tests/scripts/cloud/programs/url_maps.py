"""URL maps as gcloud exports and imports them.

The state's `url_maps` maps a name to a URL map as the API shows it. Importing replaces the
fingerprint that it is given by the newest, as gcloud does (surface/compute/url_maps/import.py of
its source), so it never refuses one that was changed meanwhile. With `url_map_refuses` it fails;
`url_map_is_followed_by` is a URL map that somebody else imports right after the next import.

Source: https://cloud.google.com/sdk/gcloud/reference/compute/url-maps/import and
https://cloud.google.com/compute/docs/reference/rest/v1/urlMaps
"""

import hashlib
import json
from typing import Any

import yaml

from tests.scripts.cloud.programs.call import Call, Command, State


def export(state: State, call: Call) -> str:
    """Answer `gcloud compute url-maps export NAME --global`."""
    _check(call)
    return yaml.safe_dump(_found(state, call.words[0]))


def import_(state: State, call: Call) -> str:
    """Do `gcloud compute url-maps import NAME --global --quiet` with what comes on its input."""
    _check(call)
    before = _found(state, call.words[0])
    if "quiet" not in call.flags:
        raise KeyError("it would ask, and wait for an answer")
    if state.get("url_map_refuses"):
        raise KeyError("412 conditionNotMet")
    given = yaml.safe_load(call.given.decode())
    if given["name"] != call.words[0] or given["id"] != before["id"]:
        raise KeyError("this is another one")
    state["url_maps"][call.words[0]] = state.pop("url_map_is_followed_by", None) or {
        **given,
        "fingerprint": hashlib.sha256(json.dumps(given).encode()).hexdigest()[:11] + "=",
    }
    return ""


def _found(state: State, name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = state.get("url_maps", {})[name]
    except KeyError:
        raise KeyError(f"The resource 'global/urlMaps/{name}' was not found") from None
    return found


def _check(call: Call) -> None:
    if "global" not in call.flags:
        raise KeyError("which region?")


COMMANDS: dict[str, Command] = {
    "compute url-maps export": export,
    "compute url-maps import": import_,
}
