"""Parsing of handshakes and messages."""

import json
import tracemalloc
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.chat import protocol
from functions.chat.protocol import (
    MAX_RECORD_CHARACTERS,
    CancelInvocation,
    Close,
    Invocation,
    ProtocolError,
    RecordReader,
    parse_message,
)
from tests.functions.chat.generated_messages import RECORDS

END = "\x1e"
STREAMS = st.lists(st.text(st.characters(exclude_characters=END), max_size=30), max_size=8)


@given(STREAMS, st.lists(st.integers(0, 250)))
def test_records_do_not_depend_on_frame_boundaries(records: list[str], cuts: list[int]) -> None:
    """HubProtocol, "JSON Encoding": each message ends with 0x1E."""
    stream = "".join(record + END for record in records)
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    frames = [stream[a:b] for a, b in pairwise(places)]
    reader = RecordReader()
    assert [record for frame in frames for record in reader.feed(frame)] == records


def test_incomplete_record_is_kept() -> None:
    """HubProtocol, "JSON Encoding"."""
    reader = RecordReader()
    assert reader.feed("") == []
    assert reader.feed("a" + END + "b") == ["a"]
    assert reader.feed("c") == []
    assert reader.feed(END) == ["bc"]


def test_records_of_maximum_length_are_read() -> None:
    """Contract, "Chat": messages of at least 64 KiB."""
    longest = "x" * MAX_RECORD_CHARACTERS
    assert MAX_RECORD_CHARACTERS > 64 * 1024
    reader = RecordReader()
    assert reader.feed((longest + END) * 2) == [longest, longest]


def test_invocation_keeps_no_large_arguments() -> None:
    """Invocations wait, and a short record may describe many lists."""
    lists = [[[]] * 1000, {"a": [[]] * 1000}]
    record = json.dumps({"type": 1, "target": "Send", "arguments": [*lists, "text", 5] + [1] * 99})
    message = parse_message(record)
    assert isinstance(message, Invocation)
    assert message.arguments[:4] == [[], {}, "text", 5]
    assert len(message.arguments) < 20


def test_long_target_is_a_violation() -> None:
    record = json.dumps({"type": 1, "target": "x" * 257, "arguments": []})
    with pytest.raises(ProtocolError, match="target"):
        parse_message(record)


def test_record_of_many_parts_needs_little_memory() -> None:
    reader, count = RecordReader(), 50_000
    tracemalloc.start()
    try:
        for _ in range(count):
            reader.feed(chr(0x1F4AA))
        taken, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 8 * count
    assert reader.feed(END) == [chr(0x1F4AA) * count]


@pytest.mark.parametrize(
    "size", [1000, MAX_RECORD_CHARACTERS + 1], ids=["in many frames", "in one"]
)
@pytest.mark.parametrize("end", ["", END], ids=["without an end", "with its end"])
def test_too_long_record_is_rejected(size: int, end: str) -> None:
    stream = "x" * (MAX_RECORD_CHARACTERS + 1) + end
    reader = RecordReader()

    def feed() -> None:
        for begin in range(0, len(stream), size):
            reader.feed(stream[begin : begin + size])

    with pytest.raises(ProtocolError, match="longer than"):
        feed()


@pytest.mark.parametrize(
    "record",
    [
        '{"protocol":"json","version":1}',
        '{"version": 1, "protocol": "json"}',
        '{"protocol":"json","version":1,"later":true}',
        '{"protocol":"json","version":0}',
    ],
    ids=["as clients write it", "in another order", "with more", "version 0"],
)
def test_valid_handshake_is_accepted(record: str) -> None:
    """HubProtocol, "Overview". The original server accepts lower versions, too."""
    protocol.check_handshake(record)


@given(RECORDS)
def test_any_text_is_a_handshake_or_an_error(record: str) -> None:
    """HubProtocol, "Overview"."""
    try:
        protocol.check_handshake(record)
    except ProtocolError:
        return
    assert json.loads(record)["protocol"] == "json"


@pytest.mark.parametrize(
    ("content", "parsed"),
    [
        ({"type": 1, "target": "Say", "arguments": []}, Invocation("Say", [])),
        (
            {"type": 1, "invocationId": None, "target": "Say", "arguments": [None]},
            Invocation("Say", [None]),
        ),
        (
            {"type": 1, "invocationId": "7", "target": "Say", "arguments": ["a", 2, True]},
            Invocation("Say", ["a", 2, True], "7"),
        ),
        (
            {"type": 1, "headers": {"a": "b"}, "target": "Say", "arguments": [], "streamIds": []},
            Invocation("Say", []),
        ),
        (
            {"type": 1, "invocationId": "", "target": "", "arguments": [], "streamIds": ["1"]},
            Invocation("", [], "", sends_streams=True),
        ),
        (
            {"type": 4, "invocationId": "7", "target": "Say", "arguments": []},
            Invocation("Say", [], "7", expects_stream=True),
        ),
        ({"type": 5, "invocationId": "7"}, CancelInvocation("7")),
        ({"type": 7}, Close()),
        ({"type": 7, "error": "I am leaving", "allowReconnect": True}, Close()),
        ({"type": 2, "invocationId": "7", "item": 1}, None),
        ({"type": 3, "invocationId": "7", "result": 1, "error": "both"}, None),
        ({"type": 6}, None),
        ({"type": 8, "sequenceId": 1}, None),
        ({"type": 9, "sequenceId": 1}, None),
        ({"type": 10}, None),
        ({"type": 0}, None),
    ],
    ids=str,
)
def test_message_is_parsed(content: Any, parsed: protocol.Message | None) -> None:
    """HubProtocol, "JSON Encoding", each type."""
    assert protocol.parse_message(json.dumps(content)) == parsed


@given(RECORDS)
def test_any_text_is_a_message_ignored_or_an_error(record: str) -> None:
    """HubProtocol, "Errors"."""
    try:
        found = protocol.parse_message(record)
    except ProtocolError:
        return
    assert found is None or isinstance(found, protocol.Message)
    if isinstance(found, Invocation):
        assert isinstance(found.target, str)
        assert isinstance(found.arguments, list)


@given(st.text(min_size=20))
def test_error_does_not_repeat_the_input(text: str) -> None:
    """TransportProtocols, "NOTE on errors"."""
    for read in (protocol.check_handshake, protocol.parse_message):
        for record in (text, json.dumps({"protocol": text, "type": text})):
            with pytest.raises(ProtocolError) as caught:
                read(record)
            assert text not in str(caught.value)
