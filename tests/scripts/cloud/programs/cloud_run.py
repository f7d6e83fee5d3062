"""Cloud Run as gcloud shows it: services, their revisions, and who gets the traffic.

The state's `services` maps a name to `{"revisions": [names, oldest first], "traffic": [targets]}`;
a target has `percent` and `revisionName` or `latestRevision`, and perhaps a `tag`. A service that
`refuses_changes` fails to change its traffic; one that has a `url` is there, whatever its revision.
The newest revision of one that is `unready` does not start.

Source: https://cloud.google.com/run/docs/reference/rest/v1/namespaces.services (ServiceStatus)
"""

import json
from collections.abc import Mapping
from typing import Any

from tests.scripts.cloud.programs.call import Call, Command, State


def host(service: str) -> str:
    """Return where the stand-in's service is."""
    return f"{service}-abc123-uc.a.run.app"


def describe(state: State, call: Call) -> str:
    """Answer `gcloud run services describe SERVICE --format=json`."""
    name = call.words[0]
    service = state["services"][name]
    traffic = [
        {
            **target,
            "revisionName": target.get("revisionName", service["revisions"][-1]),
            **({"url": _tagged(service, target["tag"], name)} if "tag" in target else {}),
        }
        for target in service["traffic"]
    ]
    status = {
        "url": service.get("url", f"https://{host(name)}"),
        "latestCreatedRevisionName": service["revisions"][-1],
        "latestReadyRevisionName": _ready(service),
        "traffic": traffic,
    }
    return json.dumps({"metadata": {"name": name}, "status": status})


def _ready(service: Mapping[str, Any]) -> str:
    is_unready = service.get("unready") and len(service["revisions"]) > 1
    return str(service["revisions"][-2 if is_unready else -1])


def _tagged(service: Mapping[str, Any], tag: str, name: str) -> str:
    return str(service.get("url", f"https://{tag}---{host(name)}"))


def list_services(state: State, _call: Call) -> str:
    """Answer `gcloud run services list --format=json`."""
    return json.dumps(
        [json.loads(describe(state, Call([name]))) for name in state.get("services", {})]
    )


def list_revisions(state: State, call: Call) -> str:
    """Answer `gcloud run revisions list --service=SERVICE --format=json`, newest first."""
    names = state["services"][call.flags["service"]]["revisions"]
    return json.dumps(
        [
            {
                "metadata": {
                    "name": name,
                    "creationTimestamp": f"2026-01-{day:02}T00:00:00.000000Z",
                },
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
            }
            for day, name in reversed(list(enumerate(names, start=1)))
        ]
    )


def update_traffic(state: State, call: Call) -> str:
    """Do `gcloud run services update-traffic SERVICE` with flags for shares and tags."""
    service = state["services"][call.words[0]]
    if service.get("refuses_changes"):
        raise KeyError("permission denied")
    tags = {t["tag"]: t["revisionName"] for t in service["traffic"] if "tag" in t}
    shares = [
        {key: t[key] for key in ("revisionName", "latestRevision", "percent") if key in t}
        for t in service["traffic"]
        if t.get("percent")
    ]
    if "to-latest" in call.flags:
        shares = [{"latestRevision": True, "percent": 100}]
    if "to-revisions" in call.flags:
        pairs = [pair.split("=") for pair in call.flags["to-revisions"].split(",")]
        shares = [{"revisionName": name, "percent": int(percent)} for name, percent in pairs]
        unknown = {name for name, _ in pairs} - set(service["revisions"])
        if unknown or sum(share["percent"] for share in shares) != 100:
            raise KeyError(call.flags["to-revisions"])
    if "set-tags" in call.flags or "update-tags" in call.flags:
        pairs = [
            pair.split("=")
            for pair in call.flags.get("set-tags", call.flags.get("update-tags", "")).split(",")
        ]
        tags = (tags if "update-tags" in call.flags else {}) | dict(pairs)
    if "remove-tags" in call.flags:
        for tag in call.flags["remove-tags"].split(","):
            tags.pop(tag, None)
    if "clear-tags" in call.flags:
        tags = {}
    tagged = [{"revisionName": name, "tag": tag} for tag, name in tags.items()]
    service["traffic"] = [*shares, *tagged]
    return ""


COMMANDS: dict[str, Command] = {
    "run services describe": describe,
    "run services list": list_services,
    "run revisions list": list_revisions,
    "run services update-traffic": update_traffic,
}
