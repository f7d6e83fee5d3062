"""Show a plan as a table, for both plan forms of the chat."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


def plan_view(message: dict[str, Any]) -> RenderableType:
    """Return the view of a `chatPlan` message. The plan can be partial."""
    # /ai-chat sends `plan`, /ai-chat-v2 sends `blueprint`.
    plan = message.get("plan") or {**message, **message["blueprint"]}
    title = Text(message.get("name") or plan["name"], style="bold")
    return Group(title, Text(plan["description"]), *map(_session, plan["sessions"]))


def _session(session: dict[str, Any]) -> Table:
    title = Text(session["name"])  # rich parses a plain string as markup
    table = Table(title=title, title_justify="left", show_header=False, min_width=60)
    for exercise in session["exercises"]:
        joint = "+ next" if exercise.get("supersetWithNext") else ""
        cells = exercise["name"], _sets(exercise), _progression(exercise), joint
        table.add_row(*map(Text, cells))
    return table


def _sets(exercise: dict[str, Any]) -> str:
    if "plannedSets" in exercise:
        reps = [planned["reps"] for planned in exercise["plannedSets"]]
        each = [_range(band) for band in reps]
        return f"{len(each)} x {each[0]}" if len(set(each)) == 1 else ", ".join(each)
    if "repsPerSet" in exercise:
        return f"{exercise['sets']} x {exercise['repsPerSet']}"
    return ", ".join(_target(each["target"]) for each in exercise["sets"])


def _range(reps: dict[str, int]) -> str:
    low, high = reps["min"], reps["max"]
    return str(low) if low == high else f"{low}-{high}"


def _target(target: dict[str, Any]) -> str:
    value = target["value"]
    return value if isinstance(value, str) else f"{value['value']} {value['unit']}"


def _progression(exercise: dict[str, Any]) -> str:
    if "weightIncreaseOnSuccess" in exercise:
        return f"+{exercise['weightIncreaseOnSuccess']:g}"
    return ", then ".join(
        f"+{rule['step']} {rule['axis']}" + (f" to {rule['ceiling']}" if "ceiling" in rule else "")
        for rule in exercise.get("progression", ())
    )
