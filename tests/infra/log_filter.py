"""Evaluates log filters: the part of Cloud Logging's query language that `infra/` uses.

Source: https://cloud.google.com/logging/docs/view/logging-query-language (OR binds
tighter than AND)
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
"""From the lowest to the highest."""

_TOKEN = re.compile(r'\w+(?:\.(?:\w+|"[^"]*"))*|"[^"]*"|>=|[=>()]')

Entry = Mapping[str, object]


def log_entry(line: Entry, log: str = "run.googleapis.com/stdout") -> Entry:
    """Return the entry that Cloud Logging makes of a line of a service."""
    return {
        "log_id": log,
        "resource": {"type": "cloud_run_revision"},
        "severity": line["severity"],
        "jsonPayload": {name: value for name, value in line.items() if name != "severity"},
    }


def matches(filter_: str, entry: Entry) -> bool:
    """Return whether a filter matches an entry."""
    tokens = deque(_TOKEN.findall(filter_))
    # Without this check, an unsupported operator would be skipped.
    assert "".join("".join(tokens).split()) == "".join(filter_.split()), filter_
    is_match = _evaluate_and(tokens, entry)
    assert not tokens, filter_
    return is_match


def _evaluate_and(tokens: deque[str], entry: Entry) -> bool:
    operands = [_evaluate_or(tokens, entry)]
    while tokens and tokens[0] == "AND":
        tokens.popleft()
        operands.append(_evaluate_or(tokens, entry))
    return all(operands)


def _evaluate_or(tokens: deque[str], entry: Entry) -> bool:
    operands = [_evaluate_term(tokens, entry)]
    while tokens and tokens[0] == "OR":
        tokens.popleft()
        operands.append(_evaluate_term(tokens, entry))
    return any(operands)


def _evaluate_term(tokens: deque[str], entry: Entry) -> bool:
    first = tokens.popleft()
    if first == "NOT":
        return not _evaluate_term(tokens, entry)
    if first == "(":
        is_match = _evaluate_and(tokens, entry)
        assert tokens.popleft() == ")"
        return is_match
    if first == "log_id":
        _, name, _ = (tokens.popleft() for _ in range(3))
        return bool(entry["log_id"] == name.strip('"'))
    return _compare(_value(entry, first), tokens.popleft(), tokens.popleft().strip('"'))


def _value(entry: Entry, path: str) -> object:
    value: object = entry
    for name in re.findall(r'"([^"]*)"|(\w+)', path):
        value = value.get("".join(name)) if isinstance(value, Mapping) else None
    return value


def _compare(value: Any, operator: str, operand: str) -> bool:
    if value is None:  # a missing field matches no comparison
        return False
    if operator == "=":
        return (str(value).lower() if isinstance(value, bool) else str(value)) == operand
    ranks = (
        (value, float(operand)) if operand.isdigit() else map(SEVERITIES.index, (value, operand))
    )
    actual, limit = ranks
    return bool(actual > limit or (operator == ">=" and actual == limit))
