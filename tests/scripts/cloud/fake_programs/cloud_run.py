"""Cloud Run in a fake gcloud: services, revisions and traffic.

The state's `services` maps a name to `{"revisions": [names, oldest first], "traffic": [targets]}`.
A target has `percent` and `revisionName` or `latestRevision`, and may have a `tag`. With
`rejects_updates`, changes of the traffic fail. With `url`, all revisions have this address. With
`unready`, the newest revision does not start.

Source: https://cloud.google.com/run/docs/reference/rest/v1/namespaces.services (ServiceStatus)
"""

import json
from collections.abc import Mapping
from typing import Any

from tests.scripts.cloud.fake_programs.program_run import Program, ProgramRun, State


def host(service: str) -> str:
    """Return the host name of a service."""
    return f"{service}-abc123-uc.a.run.app"


def describe(state: State, run: ProgramRun) -> str:
    """Handle `gcloud run services describe SERVICE --format=json`."""
    name = run.words[0]
    service = state["services"][name]
    traffic = [
        {
            **target,
            "revisionName": target.get("revisionName", service["revisions"][-1]),
            **({"url": _tag_url(service, target["tag"], name)} if "tag" in target else {}),
        }
        for target in service["traffic"]
    ]
    status = {
        "url": service.get("url", f"https://{host(name)}"),
        "latestCreatedRevisionName": service["revisions"][-1],
        "latestReadyRevisionName": _newest_ready(service),
        "traffic": traffic,
    }
    return json.dumps({"metadata": {"name": name}, "status": status})


def _newest_ready(service: Mapping[str, Any]) -> str:
    is_unready = service.get("unready") and len(service["revisions"]) > 1
    return str(service["revisions"][-2 if is_unready else -1])


def _tag_url(service: Mapping[str, Any], tag: str, name: str) -> str:
    return str(service.get("url", f"https://{tag}---{host(name)}"))


def list_services(state: State, _run: ProgramRun) -> str:
    """Handle `gcloud run services list --format=json`."""
    return json.dumps(
        [json.loads(describe(state, ProgramRun([name]))) for name in state.get("services", {})]
    )


def list_revisions(state: State, run: ProgramRun) -> str:
    """Handle `gcloud run revisions list --service=SERVICE --format=json`; newest first."""
    names = state["services"][run.flags["service"]]["revisions"]
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


def update_traffic(state: State, run: ProgramRun) -> str:
    """Handle `gcloud run services update-traffic SERVICE`, with its flags for traffic and tags."""
    service = state["services"][run.words[0]]
    if service.get("rejects_updates"):
        raise KeyError("permission denied")
    tags = {t["tag"]: t["revisionName"] for t in service["traffic"] if "tag" in t}
    targets = [
        {key: t[key] for key in ("revisionName", "latestRevision", "percent") if key in t}
        for t in service["traffic"]
        if t.get("percent")
    ]
    if "to-latest" in run.flags:
        targets = [{"latestRevision": True, "percent": 100}]
    if "to-revisions" in run.flags:
        pairs = [pair.split("=") for pair in run.flags["to-revisions"].split(",")]
        targets = [{"revisionName": name, "percent": int(percent)} for name, percent in pairs]
        unknown = {name for name, _ in pairs} - set(service["revisions"])
        if unknown or sum(target["percent"] for target in targets) != 100:
            raise KeyError(run.flags["to-revisions"])
    if "update-tags" in run.flags:
        tags |= dict(pair.split("=") for pair in run.flags["update-tags"].split(","))
    if "remove-tags" in run.flags:
        for tag in run.flags["remove-tags"].split(","):
            tags.pop(tag, None)
    tagged = [{"revisionName": name, "tag": tag} for tag, name in tags.items()]
    service["traffic"] = [*targets, *tagged]
    return ""


COMMANDS: dict[str, Program] = {
    "run services describe": describe,
    "run services list": list_services,
    "run revisions list": list_revisions,
    "run services update-traffic": update_traffic,
}
