"""Invocations and their results."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.telemetry.json_lines import JsonFormatter
from shared.telemetry.settings import TelemetrySettings
from tests.functions.chat.fake_hub import (
    FakeHub,
    completion,
    hub_invocation,
    invocation,
    is_alive,
    new_gate,
    open_gate,
    receive_error,
)
from tests.functions.chat.running_chat import RunningChat, serve_chat, single_hub

CLOSE_MESSAGE = {"type": 7}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningChat]:
    with serve_chat(single_hub(FakeHub)) as server:
        yield server


async def test_invocation_with_id_completes_without_result(server: RunningChat) -> None:
    """HubProtocol, "Completion Message Encoding": absent for void methods, as is `error`."""
    async with server.connect_to_hub() as client:
        await client.send(invocation("1", "Nothing"))
        assert await client.receive() == {"type": 3, "invocationId": "1"}


async def test_invocation_of_the_client_has_no_id(server: RunningChat) -> None:
    """Contract, "Chat": null breaks the connection."""
    async with server.connect_to_hub() as client:
        await client.send(invocation("1", "Repeat", "SECRET-text", 10**30))
        record = await client.receive()
        assert record == {
            "type": 1,
            "target": "Repeated",
            "arguments": [["SECRET-text", 10**30]],
        }
        assert await client.receive() == completion("1")


@pytest.mark.parametrize("fields", [{}, {"invocationId": None}], ids=["absent", "null"])
@pytest.mark.parametrize(
    ("target", "arguments"),
    [("Nothing", []), ("Repeat", ["a", 1]), ("Repeat", []), ("Unknown", []), ("Fail", ["SECRET-"])],
    ids=["void", "that speaks", "with wrong arguments", "unknown", "that fails"],
)
async def test_invocation_without_id_has_no_completion(
    server: RunningChat, fields: dict[str, Any], target: str, arguments: list[Any]
) -> None:
    """HubProtocol, "Non-Blocking Invocations": "must not send any response"."""
    async with server.connect_to_hub() as client:
        await client.send(invocation(None, target, *arguments, **fields))
        await client.send(invocation("last", "Nothing"))
        records = await client.receive_until_completed("last")
        await client.send(CLOSE_MESSAGE)
        records += await client.receive_rest()
    completions = [record for record in records if record["type"] != 1]
    assert completions == [completion("last")]
    assert len(records) - len(completions) == ((target, arguments) == ("Repeat", ["a", 1]))


@pytest.mark.parametrize(
    "invocation_id",
    ["", " ", "0", "null", "ü😀\u2028\x00\x1e", '"\\', "x" * 256],
    ids=["empty", "blank", "zero", "null", "unicode", "quotes", "long"],
)
async def test_completion_has_the_id_unchanged(server: RunningChat, invocation_id: str) -> None:
    """HubProtocol, "Invocations": arbitrary; the callee is to use the same string."""
    async with server.connect_to_hub() as client:
        await client.send(invocation(invocation_id, "Nothing"))
        assert await client.receive() == completion(invocation_id)
        await client.send(invocation(invocation_id, "Unknown"))
        assert await receive_error(client, invocation_id)


@pytest.mark.parametrize("target", ["Unknown", "nothing", "NOTHING", "Nothing ", "", "__class__"])
async def test_unknown_method_fails_one_invocation(server: RunningChat, target: str) -> None:
    """HubProtocol, "Invocations": the target is case-sensitive."""
    async with server.connect_to_hub() as client:
        await client.send(invocation("1", target))
        assert await receive_error(client, "1") == "there is no such method"
        assert await is_alive(client)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["SECRET-text"],
        ["SECRET-text", 1, 1],
        [1, "SECRET-text"],
        ["SECRET-text", True],
        ["SECRET-text", 1.5],
        ["SECRET-text", 1.0],
        ["SECRET-text", "1"],
        ["SECRET-text", None],
        [None, 1],
        [["SECRET-text"], 1],
        [{"text": "SECRET-text"}, 1],
    ],
    ids=str,
)
async def test_wrong_arguments_fail_one_invocation(
    server: RunningChat, arguments: list[Any]
) -> None:
    """HubProtocol, "Errors"; TransportProtocols, "NOTE on errors": no part of the input."""
    async with server.connect_to_hub() as client:
        await client.send(invocation("1", "Repeat", *arguments))
        assert (
            await receive_error(client, "1")
            == "the method takes (text: string, number: whole number)"
        )
        assert await is_alive(client)


async def test_internal_error_stays_private(
    server: RunningChat, caplog: pytest.LogCaptureFixture
) -> None:
    """TransportProtocols, "NOTE on errors". The log has the traceback without the message."""
    async with server.connect_to_hub() as client:
        await client.send(invocation("1", "Fail", "SECRET-text"))
        assert await receive_error(client, "1") == "an internal error occurred"
        assert await is_alive(client)
    [logged] = [record for record in caplog.records if record.levelname == "ERROR"]
    line = JsonFormatter(TelemetrySettings()).format(logged)
    assert '"message": "RuntimeError in Fail"' in line
    assert "fake_hub.py" in line
    assert "SECRET" not in line


@pytest.mark.parametrize("target", ["Nothing", "Unknown"])
async def test_stream_invocation_fails(server: RunningChat, target: str) -> None:
    """HubProtocol, "Completion and results": it completes with an error."""
    async with server.connect_to_hub() as client:
        await client.send({**invocation("1", target), "type": 4})
        assert await receive_error(client, "1")
        assert await is_alive(client)


async def test_upload_stream_fails_and_items_are_ignored(
    server: RunningChat,
) -> None:
    """HubProtocol, "Upload streaming": items after the completion may be ignored."""
    async with server.connect_to_hub() as client:
        await client.send(
            invocation("1", "Nothing", streamIds=["s"]),
            {"type": 2, "invocationId": "s", "item": "SECRET-item"},
            {"type": 3, "invocationId": "s"},
        )
        assert await receive_error(client, "1")
        await client.send({"type": 2, "invocationId": "s", "item": 2})
        assert await is_alive(client)


async def test_message_headers_are_ignored(server: RunningChat) -> None:
    """HubProtocol, "Message Headers"."""
    async with server.connect_to_hub() as client:
        headers = {"headers": {"Foo": "Bar", "target": "Unknown"}}
        await client.send(invocation("1", "Repeat", "a", 1, **headers))
        assert await client.receive() == hub_invocation("Repeated", ["a", 1])
        assert await client.receive() == completion("1")


@pytest.mark.parametrize(
    "message",
    [
        {"type": 2, "invocationId": "1", "item": None},
        {"type": 3, "invocationId": "1"},
        {"type": 3, "invocationId": "1", "error": "no", "result": 1},
        {"type": 6},
        {"type": 6, "headers": {}},
        {"type": 8, "sequenceId": 1},
        {"type": 9, "sequenceId": 1},
        {"type": 10},
        {"type": 0, "target": "Nothing", "arguments": [], "invocationId": "2"},
        {"type": -1},
        {"type": 10**30},
    ],
    ids=str,
)
async def test_other_message_types_are_ignored(
    server: RunningChat, message: dict[str, Any]
) -> None:
    """HubProtocol: unrelated stream items and completions, "Ping", "Ack", "Sequence".

    A later version may add unknown types.
    """
    gate = new_gate()
    async with server.connect_to_hub() as client:
        await client.send(invocation("1", "Wait", gate), message)
        assert await client.receive() == hub_invocation("Waiting", gate)
        assert await is_alive(client)
        open_gate(gate)
        assert await client.receive() == completion("1")


async def test_ids_are_unique_per_connection_only(server: RunningChat) -> None:
    """HubProtocol, "Invocations": unique per connection."""
    gate = new_gate()
    async with server.connect_to_hub() as first, server.connect_to_hub() as second:
        await first.send(invocation("1", "Wait", gate))
        assert await first.receive() == hub_invocation("Waiting", gate)
        await second.send(invocation("1", "Repeat", "a", 1))
        assert await second.receive() == hub_invocation("Repeated", ["a", 1])
        assert await second.receive() == completion("1")
        open_gate(gate)
        assert await first.receive() == completion("1")
