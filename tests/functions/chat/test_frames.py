"""How records travel in frames, and what breaks the protocol."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.chat.protocol import LONGEST_RECORD
from tests.functions.chat.aftermath import errors_logged, nothing_left
from tests.functions.chat.hub_for_tests import HubForTests, alive, call, called, completed
from tests.functions.chat.service import END, Running, hub_alone, served_chat

KIB = 1024
WORDS = "SECRET-Grüße 😀"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with served_chat(hub_alone(HubForTests)) as running:
        yield running


def record(*messages: dict[str, Any]) -> str:
    """Write messages as browsers do, which escape nothing beyond ASCII."""
    return "".join(json.dumps(message, ensure_ascii=False) + END for message in messages)


async def test_frames_to_the_client_are_text_and_end_with_a_record(running: Running) -> None:
    """The contract, "Chat": the official client refuses others."""
    async with running.shaken() as wire:
        await wire.send(call("1", "Repeat", WORDS + END, 1))
        received = ""
        while completed("1") not in [json.loads(each) for each in received.split(END)[:-1]]:
            frame = await wire.socket.recv()
            assert isinstance(frame, str)
            assert frame.endswith(END)
            received += frame
    assert json.loads(received.split(END)[0]) == called("Repeated", [WORDS + END, 1])


async def test_a_frame_may_hold_several_records(running: Running) -> None:
    """HubProtocol, "JSON Encoding"."""
    async with running.shaken() as wire:
        await wire.frame(record(call("1", "Nothing"), {"type": 6}, call("2", "Nothing")))
        assert [await wire.record(), await wire.record()] == [completed("1"), completed("2")]


async def test_a_record_may_take_several_frames(running: Running) -> None:
    """HubProtocol, "JSON Encoding"; among them empty ones."""
    async with running.shaken() as wire:
        for letter in record(call("1", "Repeat", WORDS, 1), call("2", "Nothing")):
            await wire.frame(letter)
            await wire.frame("")
        assert await wire.record() == called("Repeated", [WORDS, 1])
        assert await wire.record() == completed("1")
        assert await wire.record() == completed("2")


@pytest.mark.parametrize("is_text", [True, False], ids=["text", "binary"])
async def test_a_frame_may_come_in_fragments(running: Running, is_text: bool) -> None:
    """RFC 6455, section 5.4: also in the middle of a letter."""
    content = record(call("1", "Repeat", WORDS, 1)).encode()
    async with running.shaken() as wire:
        await wire.socket.send([content[i : i + 1] for i in range(len(content))], text=is_text)
        assert await wire.record() == called("Repeated", [WORDS, 1])
        assert await wire.record() == completed("1")


async def test_binary_frames_of_the_client_are_read_as_text(running: Running) -> None:
    """TransportProtocols, "Transfer Formats": we offer both."""
    async with running.shaken() as wire:
        first, second = record(call("1", "Repeat", WORDS, 1)).split(",", 1)
        await wire.frame(first.encode())
        await wire.frame("," + second)
        assert await wire.record() == called("Repeated", [WORDS, 1])
        assert await wire.record() == completed("1")


@pytest.mark.parametrize("letter", ["x", "ü", "😀"])
async def test_a_message_of_64_kib_is_taken(running: Running, letter: str) -> None:
    """The contract, "Chat"."""
    text = letter * (64 * KIB // len(letter.encode()))
    async with running.shaken() as wire:
        await wire.frame(record(call("1", "Repeat", text, 1)))
        assert await wire.record() == called("Repeated", [text, 1])
        assert await wire.record() == completed("1")


@pytest.mark.parametrize("frame_size", [LONGEST_RECORD * 2, KIB], ids=["one frame", "many frames"])
async def test_a_record_that_is_too_long_closes_the_connection(
    running: Running, frame_size: int
) -> None:
    """HubProtocol, "Errors": memory is bounded."""
    async with running.shaken() as wire:
        stream = record(call("1", "Nothing"))[:-1] + " " * LONGEST_RECORD
        for begin in range(0, len(stream), frame_size):
            await wire.frame(stream[begin : begin + frame_size])
        assert await wire.record() == {
            "type": 7,
            "error": f"a message is longer than {LONGEST_RECORD} characters",
        }
        assert await wire.closed() == 1002
    await nothing_left(running)


@pytest.mark.parametrize("is_final", [True, False], ids=["whole", "the first fragment"])
async def test_a_frame_that_is_too_long_closes_the_connection(
    running: Running, is_final: bool
) -> None:
    """RFC 6455, section 7.4.1: 1009; its length is enough, the rest is not waited for."""
    length = 1024 * KIB + 1
    async with running.shaken() as wire:
        masked = b"\xff" + length.to_bytes(8, "big") + b"mask"
        wire.socket.transport.write((b"\x81" if is_final else b"\x01") + masked)
        assert await wire.closed() == 1009
    await nothing_left(running)


async def test_bytes_that_are_no_text_close_the_connection(running: Running) -> None:
    """HubProtocol, "JSON Encoding": UTF-8."""
    async with running.shaken() as wire:
        await wire.frame(record(call("1", "Nothing")).encode() + b"\xff" + END.encode())
        assert await wire.record() == {"type": 7, "error": "a message is not UTF-8"}
        assert await wire.closed() == 1002


async def test_text_that_is_no_text_closes_the_connection_and_is_no_news(running: Running) -> None:
    """RFC 6455, section 8.1: 1007."""
    with errors_logged() as errors:
        async with running.shaken() as wire:
            await wire.socket.send(b"SECRET-\xff" + END.encode(), text=True)
            assert await wire.closed() == 1007
        await nothing_left(running)
    assert errors == []


BAD = {
    "no type": {"target": "Nothing", "arguments": []},
    "type is null": {"type": None},
    "type is text": {**call("1", "Nothing"), "type": "1"},
    "type is true": {**call("1", "Nothing"), "type": True},
    "type is no whole number": {**call("1", "Nothing"), "type": 1.5},
    "type in capitals": {"Type": 6},
    "no target": {"type": 1, "arguments": []},
    "target is no text": {"type": 1, "target": 7, "arguments": []},
    "no arguments": {"type": 1, "target": "Nothing"},
    "arguments are null": {"type": 1, "target": "Nothing", "arguments": None},
    "arguments by name": {"type": 1, "target": "Nothing", "arguments": {"words": "SECRET-"}},
    "id is a number": {**call(None, "Nothing"), "invocationId": 7},
    "id is too long": call("x" * 257, "Nothing"),
    "stream without an id": {**call(None, "Nothing"), "type": 4},
    "stream whose id is null": {**call(None, "Nothing"), "type": 4, "invocationId": None},
    "cancellation of nothing": {"type": 5},
    "cancellation of a number": {"type": 5, "invocationId": 1},
    "list": [call("1", "Nothing")],
    "number": 6,
    "null": None,
    "text": "SECRET-words",
}
NOT_JSON = {
    "nothing": "",
    "words": "SECRET-words",
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
async def test_what_breaks_the_protocol_closes_the_connection(running: Running, bad: str) -> None:
    """HubProtocol, "Errors" and "JSON Encoding"; "Invocations" for ids that are too long."""
    async with running.shaken() as wire:
        await wire.frame(bad + END + record(call("2", "Repeat", "a", 1)))
        said = await wire.record()
        assert await wire.rest() == []
        assert await wire.closed() == 1002
    error = said.pop("error")
    assert said == {"type": 7}
    assert isinstance(error, str)
    assert "SECRET" not in error


async def test_nothing_comes_after_a_close(running: Running) -> None:
    """HubProtocol, "Overview": it is sent when a connection is closed."""
    async with running.shaken() as wire:
        await wire.frame(record(call("1", "Repeat", "a", 1)) + "rubbish" + END)
        *_, last = await wire.rest()
        assert last == {"type": 7, "error": "a message is not JSON"}


async def test_one_broken_connection_breaks_no_other(running: Running) -> None:
    async with running.shaken() as wire, running.shaken() as broken:
        await broken.frame("rubbish" + END)
        assert await broken.closed() == 1002
        assert await alive(wire)
