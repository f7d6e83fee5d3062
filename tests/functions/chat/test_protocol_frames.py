"""Records in frames, and violations of the protocol."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.chat.protocol import MAX_RECORD_CHARACTERS, MAX_TEXT_CHARACTERS
from tests.functions.chat.fake_hub import FakeHub, completion, hub_invocation, invocation, is_alive
from tests.functions.chat.resource_checks import collect_errors, wait_until_released
from tests.functions.chat.running_chat import END, RunningChat, serve_chat, single_hub

KIB = 1024
TEXT = "SECRET-Grüße 😀"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningChat]:
    with serve_chat(single_hub(FakeHub)) as server:
        yield server


def record(*messages: dict[str, Any]) -> str:
    """Write messages as browsers do, without escapes for non-ASCII characters."""
    return "".join(json.dumps(message, ensure_ascii=False) + END for message in messages)


async def test_frames_to_clients_are_text_with_whole_records(server: RunningChat) -> None:
    """Contract, "Chat": the official client rejects others."""
    async with server.connect_to_hub() as client:
        await client.send(invocation("1", "Repeat", TEXT + END, 1))
        received = ""
        while completion("1") not in [json.loads(each) for each in received.split(END)[:-1]]:
            frame = await client.socket.recv()
            assert isinstance(frame, str)
            assert frame.endswith(END)
            received += frame
    assert json.loads(received.split(END)[0]) == hub_invocation("Repeated", [TEXT + END, 1])


async def test_frame_may_have_several_records(server: RunningChat) -> None:
    """HubProtocol, "JSON Encoding"."""
    async with server.connect_to_hub() as client:
        await client.send_frame(
            record(invocation("1", "Nothing"), {"type": 6}, invocation("2", "Nothing"))
        )
        assert [await client.receive(), await client.receive()] == [
            completion("1"),
            completion("2"),
        ]


async def test_record_may_span_several_frames(server: RunningChat) -> None:
    """HubProtocol, "JSON Encoding"; some frames are empty."""
    async with server.connect_to_hub() as client:
        for character in record(invocation("1", "Repeat", TEXT, 1), invocation("2", "Nothing")):
            await client.send_frame(character)
            await client.send_frame("")
        assert await client.receive() == hub_invocation("Repeated", [TEXT, 1])
        assert await client.receive() == completion("1")
        assert await client.receive() == completion("2")


@pytest.mark.parametrize("is_text", [True, False], ids=["text", "binary"])
async def test_frame_may_arrive_in_fragments(server: RunningChat, is_text: bool) -> None:
    """RFC 6455, section 5.4: also inside a character."""
    content = record(invocation("1", "Repeat", TEXT, 1)).encode()
    async with server.connect_to_hub() as client:
        await client.socket.send([content[i : i + 1] for i in range(len(content))], text=is_text)
        assert await client.receive() == hub_invocation("Repeated", [TEXT, 1])
        assert await client.receive() == completion("1")


async def test_binary_frames_are_read_as_text(server: RunningChat) -> None:
    """TransportProtocols, "Transfer Formats": the server offers both."""
    async with server.connect_to_hub() as client:
        first, second = record(invocation("1", "Repeat", TEXT, 1)).split(",", 1)
        await client.send_frame(first.encode())
        await client.send_frame("," + second)
        assert await client.receive() == hub_invocation("Repeated", [TEXT, 1])
        assert await client.receive() == completion("1")


@pytest.mark.parametrize("character", ["x", "ü", "😀"])
async def test_message_of_64_kib_is_accepted(server: RunningChat, character: str) -> None:
    """Contract, "Chat"."""
    text = character * (64 * KIB // len(character.encode()))
    async with server.connect_to_hub() as client:
        await client.send_frame(record(invocation("1", "Repeat", text, 1)))
        assert await client.receive() == hub_invocation("Repeated", [text, 1])
        assert await client.receive() == completion("1")


@pytest.mark.parametrize("ensure_ascii", [False, True], ids=["as browsers", "escaped"])
@pytest.mark.parametrize("character", ["x", "\n", "\x01", "ü", "漢", "😀"], ids=ascii)
async def test_text_of_256_ki_characters_is_accepted(
    server: RunningChat, character: str, *, ensure_ascii: bool
) -> None:
    """Characters of JavaScript: an emoji counts as two."""
    text = character * (MAX_TEXT_CHARACTERS // (2 if ord(character) > 0xFFFF else 1))
    message = json.dumps(invocation("1", "Repeat", text, 1), ensure_ascii=ensure_ascii)
    async with server.connect_to_hub() as client:
        await client.send_frame(message + END)
        assert await client.receive() == hub_invocation("Repeated", [text, 1])
        assert await client.receive() == completion("1")


async def test_longer_text_closes_the_connection(server: RunningChat) -> None:
    async with server.connect_to_hub() as client:
        await client.send(invocation("1", "Repeat", "x" * (MAX_TEXT_CHARACTERS + 1), 1))
        assert await client.receive() == {
            "type": 7,
            "error": f"a text is longer than {MAX_TEXT_CHARACTERS} characters",
        }
        assert await client.wait_closed() == 1002


@pytest.mark.parametrize(
    "frame_size", [MAX_RECORD_CHARACTERS * 2, KIB], ids=["one frame", "many frames"]
)
async def test_too_long_record_closes_the_connection(server: RunningChat, frame_size: int) -> None:
    """HubProtocol, "Errors": memory is bounded."""
    async with server.connect_to_hub() as client:
        stream = record(invocation("1", "Nothing"))[:-1] + " " * MAX_RECORD_CHARACTERS
        for begin in range(0, len(stream), frame_size):
            await client.send_frame(stream[begin : begin + frame_size])
        assert await client.receive() == {
            "type": 7,
            "error": f"a message is longer than {MAX_RECORD_CHARACTERS} characters",
        }
        assert await client.wait_closed() == 1002
    await wait_until_released(server)


@pytest.mark.parametrize("is_final", [True, False], ids=["whole", "the first fragment"])
async def test_too_long_frame_closes_the_connection(server: RunningChat, is_final: bool) -> None:
    """RFC 6455, section 7.4.1: 1009. The server closes after the header of the frame."""
    length = 2048 * KIB + 1
    async with server.connect_to_hub() as client:
        masked = b"\xff" + length.to_bytes(8, "big") + b"mask"
        client.socket.transport.write((b"\x81" if is_final else b"\x01") + masked)
        assert await client.wait_closed() == 1009
    await wait_until_released(server)


async def test_binary_frame_that_is_not_utf8_closes(server: RunningChat) -> None:
    """HubProtocol, "JSON Encoding": UTF-8."""
    async with server.connect_to_hub() as client:
        await client.send_frame(
            record(invocation("1", "Nothing")).encode() + b"\xff" + END.encode()
        )
        assert await client.receive() == {"type": 7, "error": "a message is not UTF-8"}
        assert await client.wait_closed() == 1002


async def test_text_frame_that_is_not_utf8_closes_silently(
    server: RunningChat,
) -> None:
    """RFC 6455, section 8.1: 1007."""
    with collect_errors() as errors:
        async with server.connect_to_hub() as client:
            await client.socket.send(b"SECRET-\xff" + END.encode(), text=True)
            assert await client.wait_closed() == 1007
        await wait_until_released(server)
    assert errors == []


BAD = {
    "no type": {"target": "Nothing", "arguments": []},
    "type is null": {"type": None},
    "type is text": {**invocation("1", "Nothing"), "type": "1"},
    "type is true": {**invocation("1", "Nothing"), "type": True},
    "type is not a whole number": {**invocation("1", "Nothing"), "type": 1.5},
    "type in capitals": {"Type": 6},
    "no target": {"type": 1, "arguments": []},
    "target is not a text": {"type": 1, "target": 7, "arguments": []},
    "no arguments": {"type": 1, "target": "Nothing"},
    "arguments are null": {"type": 1, "target": "Nothing", "arguments": None},
    "arguments by name": {"type": 1, "target": "Nothing", "arguments": {"text": "SECRET-"}},
    "id is a number": {**invocation(None, "Nothing"), "invocationId": 7},
    "id is too long": invocation("x" * 257, "Nothing"),
    "stream without an id": {**invocation(None, "Nothing"), "type": 4},
    "stream whose id is null": {**invocation(None, "Nothing"), "type": 4, "invocationId": None},
    "cancellation without an id": {"type": 5},
    "cancellation of a number": {"type": 5, "invocationId": 1},
    "list": [invocation("1", "Nothing")],
    "number": 6,
    "null": None,
    "text": "SECRET-text",
}
NOT_JSON = {
    "empty": "",
    "plain text": "SECRET-text",
    "cut": '{"type":6',
    "more than one": '{"type":6}{"type":6}',
    "single quotes": "{'type':6}",
    "deep": '{"type":6,"deep":' + "[" * 10000 + "]" * 10000 + "}",
    "endless number": '{"type":' + "9" * 10000 + "}",
}


@pytest.mark.parametrize(
    "bad",
    [*(json.dumps(content) for content in BAD.values()), *NOT_JSON.values()],
    ids=[*BAD, *NOT_JSON],
)
async def test_protocol_violation_closes_the_connection(server: RunningChat, bad: str) -> None:
    """HubProtocol, "Errors" and "JSON Encoding"; "Invocations" for ids that are too long."""
    async with server.connect_to_hub() as client:
        await client.send_frame(bad + END + record(invocation("2", "Repeat", "a", 1)))
        close = await client.receive()
        assert await client.receive_rest() == []
        assert await client.wait_closed() == 1002
    error = close.pop("error")
    assert close == {"type": 7}
    assert isinstance(error, str)
    assert "SECRET" not in error


async def test_close_message_is_the_last_record(server: RunningChat) -> None:
    """HubProtocol, "Overview": it is sent when a connection is closed."""
    async with server.connect_to_hub() as client:
        await client.send_frame(record(invocation("1", "Repeat", "a", 1)) + "not JSON" + END)
        *_, last = await client.receive_rest()
        assert last == {"type": 7, "error": "a message is not JSON"}


async def test_violation_affects_one_connection_only(server: RunningChat) -> None:
    async with server.connect_to_hub() as client, server.connect_to_hub() as broken:
        await broken.send_frame("not JSON" + END)
        assert await broken.wait_closed() == 1002
        assert await is_alive(client)
