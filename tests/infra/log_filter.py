"""Which lines a filter finds: as much of Cloud Logging's language as ours make use of.

Source: https://cloud.google.com/logging/docs/view/logging-query-language (OR goes before AND)
"""

import re
from collections import deque
from collections.abc import Mapping
from typing import Any

SEVERITIES = (
    "DEFAULT",
    "DEBUG",
    "INFO",
    "NOTICE",
    "WARNING",
    "ERROR",
    "CRITICAL",
    "ALERT",
    "EMERGENCY",
)
"""From the least to the worst."""

_TOKEN = re.compile(r'\w+(?:\.(?:\w+|"[^"]*"))*|"[^"]*"|>=|[=>()]')

Entry = Mapping[str, Any]


def entry_of(line: Mapping[str, Any], log: str = "run.googleapis.com/stdout") -> dict[str, Any]:
    """Return the entry that becomes of a line which a service writes."""
    return {
        "log_id": log,
        "resource": {"type": "cloud_run_revision"},
        "severity": line["severity"],
        "jsonPayload": {name: value for name, value in line.items() if name != "severity"},
    }


def finds(filter_: str, entry: Entry) -> bool:
    """Whether a filter finds an entry."""
    tokens = deque(_TOKEN.findall(filter_))
    assert "".join("".join(tokens).split()) == "".join(filter_.split()), filter_
    found = _all(tokens, entry)
    assert not tokens, filter_
    return found


def _all(tokens: deque[str], entry: Entry) -> bool:
    found = [_any(tokens, entry)]
    while tokens and tokens[0] == "AND":
        tokens.popleft()
        found.append(_any(tokens, entry))
    return all(found)


def _any(tokens: deque[str], entry: Entry) -> bool:
    found = [_one(tokens, entry)]
    while tokens and tokens[0] == "OR":
        tokens.popleft()
        found.append(_one(tokens, entry))
    return any(found)


def _one(tokens: deque[str], entry: Entry) -> bool:
    first = tokens.popleft()
    if first == "NOT":
        return not _one(tokens, entry)
    if first == "(":
        found = _all(tokens, entry)
        assert tokens.popleft() == ")"
        return found
    if first == "log_id":
        _, name, _ = (tokens.popleft() for _ in range(3))
        return bool(entry["log_id"] == name.strip('"'))
    return _compares(_value(entry, first), tokens.popleft(), tokens.popleft().strip('"'))


def _value(entry: Entry, path: str) -> Any:
    found: Any = entry
    for name in re.findall(r'"([^"]*)"|(\w+)', path):
        found = found.get("".join(name)) if isinstance(found, Mapping) else None
    return found


def _compares(value: Any, operator: str, wanted: str) -> bool:
    if value is None:  # what is not there is neither more nor less
        return False
    if operator == "=":
        return (str(value).lower() if isinstance(value, bool) else str(value)) == wanted
    ranks = (value, float(wanted)) if wanted.isdigit() else map(SEVERITIES.index, (value, wanted))
    there, least = ranks
    return bool(there > least or (operator == ">=" and there == least))
