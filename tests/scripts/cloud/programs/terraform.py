"""A stand-in for Terraform: plans what the state's `planned` says, and makes revisions of it.

`planned` is a list of `{"address", "type", "actions", "name"}`, as `planned` below makes it. A
function whose traffic is pinned, and that is not held, is to change, too: its newest revision is to
have the traffic. If `planned_if_held` is there, plans with held services have that instead. If
it `breaks_off`, it does not get beyond the first change; if it `ignores_held`, what is held gets
traffic; if it `makes_no_revision`, services change in a way that needs none. If it `never_ends`,
it applies nothing until it is ended.
"""

import json
import os
from pathlib import Path
from typing import Any

from scripts.root import ROOT
from tests.scripts.cloud.programs.call import Call, RefusedError, State

FUNCTION = "google_cloudfunctions2_function"
CHAT = "google_cloud_run_v2_service"


def planned(name: str, *actions: str) -> dict[str, Any]:
    """Return what becomes of a service."""
    address = f'module.function["{name}"].{FUNCTION}.this'
    if name == "chat":
        return {"address": f"{CHAT}.chat[0]", "type": CHAT, "actions": actions, "name": name}
    return {"address": address, "type": FUNCTION, "actions": actions, "name": name}


def main(state: State, call: Call) -> str:
    """Answer one call."""
    folder, command, *arguments = call.arguments
    place = ROOT / folder.removeprefix("-chdir=")
    if command == "plan":
        return _plan(state, place, arguments)
    if command == "show":
        return _file(place, arguments[-1]).read_text()
    if command == "apply" and state.get("never_ends"):
        call.until_ended()
    elif command == "apply":
        return _apply(state, json.loads(_file(place, arguments[-1]).read_text()))
    return ""


def _plan(state: State, place: Path, arguments: list[str]) -> str:
    flags = dict(each[1:].split("=", 1) for each in arguments if "-var=" not in each)
    variables = dict(
        each.removeprefix("-var=").split("=", 1) for each in arguments if "-var=" in each
    )
    held = json.loads(variables["held"])
    found = list(state.get("planned", ()))
    if held and "planned_if_held" in state:
        found = state["planned_if_held"]
    names = {each["name"] for each in found}
    for name, service in state.get("services", {}).items():
        is_pinned = any(t.get("percent") and "revisionName" in t for t in service["traffic"])
        if name != "chat" and is_pinned and name not in {*names, *held}:
            found.append(planned(name, "update"))
    plan = {
        "format_version": "1.2",
        "held": held,
        "image": variables["chat_image"],
        "resource_changes": [_change(each) for each in found],
    }
    _file(place, flags["out"]).write_text(json.dumps(plan))
    return f"Plan: {len(found)} resources are to change.\n"


def _change(each: dict[str, Any]) -> dict[str, Any]:
    resource = {"name": each["name"]}
    return {
        "address": each["address"],
        "type": each["type"],
        "change": {
            "actions": each["actions"],
            "before": None if each["actions"] == ["create"] else resource,
            "after": None if each["actions"] == ["delete"] else resource,
        },
    }


def _apply(state: State, plan: dict[str, Any]) -> str:
    services = state.setdefault("services", {})
    for change in plan["resource_changes"]:
        name = (change["change"]["after"] or {}).get("name")
        if change["type"] not in {FUNCTION, CHAT} or state.get("makes_no_revision"):
            continue
        service = services.setdefault(name, {"revisions": [], "traffic": []})
        service["revisions"].append(f"{name}-{len(service['revisions']) + 1:05}")
        is_held = name in plan["held"] and not state.get("ignores_held")
        if not service["traffic"] or not (is_held or name == "chat"):
            service["traffic"] = [{"latestRevision": True, "percent": 100}]
        if state.get("breaks_off"):
            raise RefusedError("Error: googleapi: Error 409: unable to queue the operation")
    state["planned"] = []
    return "Apply complete!\n"


def _file(place: Path, path: str) -> Path:
    return Path(os.path.normpath(place / path))
