"""A fake of Terraform with Google's provider 7.32: plans what the state's `planned` lists.

`planned` is a list of `{"address", "type", "actions", "name"}`, see the function of that name.
Every function has `all_traffic_on_latest_revision = false`. The API returns true for a function
whose traffic follows the newest revision, so each plan then contains an update of the function, and
the new revision gets all traffic. A chat gets the traffic back that it had at the plan, because of
`ignore_changes`. An apply makes older plans stale.

Flags in the state: with `apply_fails`, an apply stops after the first change. With `apply_hangs`,
it waits for a signal. With `apply_moves_traffic`, updates move all traffic. With
`makes_no_revision`, updates create no revision. With `pin_counts_as_newest`, the API also returns
true for traffic that names the newest revision, which its documentation does not exclude.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.root import ROOT
from tests.scripts.cloud.fake_programs.program_run import ProgramFailedError, ProgramRun, State

FUNCTION = "google_cloudfunctions2_function"
CHAT = "google_cloud_run_v2_service"
_FOLLOWS_NEWEST = [{"latestRevision": True, "percent": 100}]


def planned(name: str, *actions: str) -> dict[str, Any]:
    """Return the planned change of a service."""
    address = f'module.function["{name}"].{FUNCTION}.this'
    if name == "chat":
        return {"address": f"{CHAT}.chat[0]", "type": CHAT, "actions": actions, "name": name}
    return {"address": address, "type": FUNCTION, "actions": actions, "name": name}


def main(state: State, run: ProgramRun) -> str:
    """Handle one run."""
    folder, command, *arguments = run.arguments
    place = ROOT / folder.removeprefix("-chdir=")
    if command == "plan":
        return _plan(state, place, arguments)
    if command == "show":
        return _path(place, arguments[-1]).read_text()
    if command == "apply" and state.get("apply_hangs"):
        run.wait_for_signal()
    elif command == "apply":
        return _apply(state, json.loads(_path(place, arguments[-1]).read_text()))
    return ""


def _plan(state: State, place: Path, arguments: list[str]) -> str:
    flags = dict(each[1:].split("=", 1) for each in arguments if "-var=" not in each)
    variables = dict(
        each.removeprefix("-var=").split("=", 1) for each in arguments if "-var=" in each
    )
    found = list(state.get("planned", ()))
    names = {each["name"] for each in found}
    services = state.get("services", {})
    for name, service in services.items():
        if name not in {*names, "chat"} and _is_all_on_newest(state, service):
            found.append(planned(name, "update"))
    plan = {
        "format_version": "1.2",
        "serial": state.get("serial", 0),
        "image": variables["chat_image"],
        "chat_traffic": services.get("chat", {}).get("traffic", _FOLLOWS_NEWEST),
        "resource_changes": [_change(each) for each in found],
    }
    _path(place, flags["out"]).write_text(json.dumps(plan))
    return f"Plan: {len(found)} to change.\n"


def _is_all_on_newest(state: State, service: Mapping[str, Any]) -> bool:
    """Return `all_traffic_on_latest_revision` as the API reads it."""
    [*targets] = (target for target in service["traffic"] if target.get("percent"))
    names = [target.get("revisionName") for target in targets]
    by_name = names == [service["revisions"][-1]] and bool(state.get("pin_counts_as_newest"))
    return bool(targets[0].get("latestRevision")) or by_name


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
    if plan["serial"] != state.get("serial", 0):
        raise ProgramFailedError("Error: Saved plan is stale")
    state["serial"] = plan["serial"] + 1
    services = state.setdefault("services", {})
    for change in plan["resource_changes"]:
        name = (change["change"]["after"] or {}).get("name")
        if change["type"] not in {FUNCTION, CHAT} or state.get("makes_no_revision"):
            continue
        service = services.setdefault(name, {"revisions": [], "traffic": _FOLLOWS_NEWEST})
        service["revisions"].append(f"{name}-{len(service['revisions']) + 1:05}")
        if name == "chat":
            service["traffic"] = plan["chat_traffic"]
        if state.get("apply_moves_traffic"):
            service["traffic"] = _FOLLOWS_NEWEST
        if state.get("apply_fails"):
            raise ProgramFailedError("Error: googleapi: Error 409: unable to queue the operation")
    state["planned"] = []
    return "Apply complete!\n"


def _path(place: Path, path: str) -> Path:
    return Path(os.path.normpath(place / path))
