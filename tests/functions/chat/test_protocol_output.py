"""Writing of records."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.chat import protocol

END = "\x1e"


@pytest.mark.parametrize(
    ("record", "content"),
    [
        (protocol.write_handshake_response(), {}),
        (protocol.write_handshake_response("no"), {"error": "no"}),
        (protocol.write_invocation("Say", 1), {"type": 1, "target": "Say", "arguments": [1]}),
        (protocol.write_completion("7"), {"type": 3, "invocationId": "7"}),
        (protocol.write_completion("7", "no"), {"type": 3, "invocationId": "7", "error": "no"}),
        (protocol.PING, {"type": 6}),
        (protocol.write_close(), {"type": 7}),
        (protocol.write_close("no"), {"type": 7, "error": "no"}),
        (protocol.write_close(allow_reconnect=True), {"type": 7, "allowReconnect": True}),
        (
            protocol.write_close("no", allow_reconnect=True),
            {"type": 7, "error": "no", "allowReconnect": True},
        ),
    ],
    ids=lambda value: value.strip(END) if isinstance(value, str) else "",
)
def test_record_has_only_the_fields_of_its_type(record: str, content: Any) -> None:
    """HubProtocol, "JSON Encoding"; contract, "Chat": no `invocationId`, no `result`."""
    assert record.endswith(END)
    assert json.loads(record.removesuffix(END)) == content


@given(st.text())
def test_text_never_contains_the_separator(text: str) -> None:
    """HubProtocol, "JSON Encoding": 0x1E occurs only at the end of a message."""
    records = [
        protocol.write_invocation(text, text),
        protocol.write_completion(text, text),
        protocol.write_close(text),
        protocol.write_handshake_response(text),
    ]
    assert [record.index(END) + 1 for record in records] == [len(record) for record in records]
    written = [json.loads(record.removesuffix(END)) for record in records]
    assert written[0]["arguments"] == [text]
    assert written[1] == {"type": 3, "invocationId": text, "error": text}


@given(st.text(max_size=200), st.text(), st.lists(st.text() | st.integers(-(2**63), 2**63)))
def test_any_invocation_is_parsed_unchanged(
    invocation_id: str, target: str, arguments: list[str | int]
) -> None:
    """HubProtocol, "Invocations": ids are arbitrary strings."""
    message = {"type": 1, "invocationId": invocation_id, "target": target, "arguments": arguments}
    for record in (json.dumps(message), json.dumps(message, ensure_ascii=False)):
        parsed = protocol.parse_message(record)
        assert parsed == protocol.Invocation(target, arguments, invocation_id)
