"""What might be said instead of what should be."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text().map("SECRET-{}".format),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_SOUND: list[Mapping[str, Any]] = [
    {"protocol": "json", "version": 1},
    {"type": 1, "invocationId": "1", "target": "Nothing", "arguments": []},
    {"type": 1, "invocationId": "2", "target": "Wait", "arguments": ["SECRET-gate"]},
    {"type": 1, "target": "Repeat", "arguments": ["SECRET-words", 1], "streamIds": []},
    {"type": 2, "invocationId": "1", "item": 1},
    {"type": 3, "invocationId": "1"},
    {"type": 4, "invocationId": "3", "target": "Nothing", "arguments": []},
    {"type": 5, "invocationId": "2"},
    {"type": 6},
    {"type": 7},
    {"type": 8, "sequenceId": 1},
    {"type": 9, "sequenceId": 1},
]
_FIELDS = sorted({field for message in _SOUND for field in message})
_SPOILT = st.builds(
    lambda message, field, value: {**message, field: value},
    st.sampled_from(_SOUND),
    st.sampled_from(_FIELDS),
    st.integers(-1, 10) | JSON,
)
_LACKING = st.builds(
    lambda message, field: {name: message[name] for name in message if name != field},
    st.sampled_from(_SOUND),
    st.sampled_from(_FIELDS),
)

MESSAGES: st.SearchStrategy[str] = (_SPOILT | _LACKING | JSON).map(json.dumps)
"""JSON: some of it messages, most of it with something wrong."""

RECORDS: st.SearchStrategy[str] = MESSAGES | st.text()
"""Text: half of it JSON."""
