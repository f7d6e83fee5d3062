"""Hypothesis strategies for valid and invalid messages."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text().map("SECRET-{}".format),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_VALID: list[Mapping[str, Any]] = [
    {"protocol": "json", "version": 1},
    {"type": 1, "invocationId": "1", "target": "Nothing", "arguments": []},
    {"type": 1, "invocationId": "2", "target": "Wait", "arguments": ["SECRET-gate"]},
    {"type": 1, "target": "Repeat", "arguments": ["SECRET-text", 1], "streamIds": []},
    {"type": 2, "invocationId": "1", "item": 1},
    {"type": 3, "invocationId": "1"},
    {"type": 4, "invocationId": "3", "target": "Nothing", "arguments": []},
    {"type": 5, "invocationId": "2"},
    {"type": 6},
    {"type": 7},
    {"type": 8, "sequenceId": 1},
    {"type": 9, "sequenceId": 1},
]
_FIELDS = sorted({field for message in _VALID for field in message})
_CHANGED = st.builds(
    lambda message, field, value: {**message, field: value},
    st.sampled_from(_VALID),
    st.sampled_from(_FIELDS),
    st.integers(-1, 10) | JSON,
)
_INCOMPLETE = st.builds(
    lambda message, field: {name: message[name] for name in message if name != field},
    st.sampled_from(_VALID),
    st.sampled_from(_FIELDS),
)

MESSAGES: st.SearchStrategy[str] = (_CHANGED | _INCOMPLETE | JSON).map(json.dumps)
"""JSON documents: a few valid messages, most of them invalid."""

RECORDS: st.SearchStrategy[str] = MESSAGES | st.text()
"""Text, half of it JSON."""
