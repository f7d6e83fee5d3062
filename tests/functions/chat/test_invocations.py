"""Calls of methods, and how they end."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.telemetry.json_lines import JsonFormatter
from shared.telemetry.settings import TelemetrySettings
from tests.functions.chat.hub_for_tests import (
    HubForTests,
    alive,
    call,
    called,
    completed,
    failed,
    new_gate,
    open_gate,
)
from tests.functions.chat.service import Running, hub_alone, served_chat

GOODBYE = {"type": 7}


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with served_chat(hub_alone(HubForTests)) as running:
        yield running


async def test_a_call_with_an_id_is_completed_and_has_no_result(running: Running) -> None:
    """HubProtocol, "Completion Message Encoding": absent for void methods, as is `error`."""
    async with running.shaken() as wire:
        await wire.send(call("1", "Nothing"))
        assert await wire.record() == {"type": 3, "invocationId": "1"}


async def test_a_call_of_the_client_has_no_id_at_all(running: Running) -> None:
    """The contract, "Chat": null kills the connection."""
    async with running.shaken() as wire:
        await wire.send(call("1", "Repeat", "SECRET-words", 10**30))
        said = await wire.record()
        assert said == {
            "type": 1,
            "target": "Repeated",
            "arguments": [["SECRET-words", 10**30]],
        }
        assert await wire.record() == completed("1")


@pytest.mark.parametrize("fields", [{}, {"invocationId": None}], ids=["absent", "null"])
@pytest.mark.parametrize(
    ("target", "arguments"),
    [("Nothing", []), ("Repeat", ["a", 1]), ("Repeat", []), ("Unknown", []), ("Fail", ["SECRET-"])],
    ids=["void", "that speaks", "with wrong arguments", "unknown", "that fails"],
)
async def test_a_call_without_an_id_is_not_answered(
    running: Running, fields: dict[str, Any], target: str, arguments: list[Any]
) -> None:
    """HubProtocol, "Non-Blocking Invocations": "must not send any response"."""
    async with running.shaken() as wire:
        await wire.send(call(None, target, *arguments, **fields))
        await wire.send(call("last", "Nothing"))
        said = await wire.until_completed("last")
        await wire.send(GOODBYE)
        said += await wire.rest()
    answers = [record for record in said if record["type"] != 1]
    assert answers == [completed("last")]
    assert len(said) - len(answers) == ((target, arguments) == ("Repeat", ["a", 1]))


@pytest.mark.parametrize(
    "invocation_id",
    ["", " ", "0", "null", "ü😀\u2028\x00\x1e", '"\\', "x" * 256],
    ids=["empty", "blank", "zero", "null", "unicode", "quotes", "long"],
)
async def test_an_id_comes_back_as_it_was(running: Running, invocation_id: str) -> None:
    """HubProtocol, "Invocations": arbitrary; the callee is to use the same string."""
    async with running.shaken() as wire:
        await wire.send(call(invocation_id, "Nothing"))
        assert await wire.record() == completed(invocation_id)
        await wire.send(call(invocation_id, "Unknown"))
        assert await failed(wire, invocation_id)


@pytest.mark.parametrize("target", ["Unknown", "nothing", "NOTHING", "Nothing ", "", "__class__"])
async def test_a_method_that_does_not_exist_fails_the_call_alone(
    running: Running, target: str
) -> None:
    """HubProtocol, "Invocations": the target is case-sensitive."""
    async with running.shaken() as wire:
        await wire.send(call("1", target))
        assert await failed(wire, "1") == "there is no such method"
        assert await alive(wire)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["SECRET-words"],
        ["SECRET-words", 1, 1],
        [1, "SECRET-words"],
        ["SECRET-words", True],
        ["SECRET-words", 1.5],
        ["SECRET-words", 1.0],
        ["SECRET-words", "1"],
        ["SECRET-words", None],
        [None, 1],
        [["SECRET-words"], 1],
        [{"text": "SECRET-words"}, 1],
    ],
    ids=str,
)
async def test_wrong_arguments_fail_the_call_alone(running: Running, arguments: list[Any]) -> None:
    """HubProtocol, "Errors"; TransportProtocols, "NOTE on errors": nothing of the input."""
    async with running.shaken() as wire:
        await wire.send(call("1", "Repeat", *arguments))
        assert await failed(wire, "1") == "the method takes (text: string, number: whole number)"
        assert await alive(wire)


async def test_a_bug_of_ours_fails_the_call_alone_and_stays_private(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """TransportProtocols, "NOTE on errors"; the log says where it was, and not what."""
    async with running.shaken() as wire:
        await wire.send(call("1", "Fail", "SECRET-words"))
        assert await failed(wire, "1") == "something is wrong on our side"
        assert await alive(wire)
    [logged] = [record for record in caplog.records if record.levelname == "ERROR"]
    line = JsonFormatter(TelemetrySettings()).format(logged)
    assert '"message": "RuntimeError in Fail"' in line
    assert "hub_for_tests.py" in line
    assert "SECRET" not in line


@pytest.mark.parametrize("target", ["Nothing", "Unknown"])
async def test_a_call_for_a_stream_fails_as_no_method_has_one(
    running: Running, target: str
) -> None:
    """HubProtocol, "Completion and results": it must complete with an error."""
    async with running.shaken() as wire:
        await wire.send({**call("1", target), "type": 4})
        assert await failed(wire, "1")
        assert await alive(wire)


async def test_a_call_that_brings_a_stream_fails_and_its_items_are_ignored(
    running: Running,
) -> None:
    """HubProtocol, "Upload streaming": what comes after the completion may be ignored."""
    async with running.shaken() as wire:
        await wire.send(
            call("1", "Nothing", streamIds=["s"]),
            {"type": 2, "invocationId": "s", "item": "SECRET-item"},
            {"type": 3, "invocationId": "s"},
        )
        assert await failed(wire, "1")
        await wire.send({"type": 2, "invocationId": "s", "item": 2})
        assert await alive(wire)


async def test_headers_are_disregarded(running: Running) -> None:
    """HubProtocol, "Message Headers"."""
    async with running.shaken() as wire:
        headers = {"headers": {"Foo": "Bar", "target": "Unknown"}}
        await wire.send(call("1", "Repeat", "a", 1, **headers))
        assert await wire.record() == called("Repeated", ["a", 1])
        assert await wire.record() == completed("1")


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
async def test_what_concerns_no_call_of_the_client_is_ignored(
    running: Running, message: dict[str, Any]
) -> None:
    """HubProtocol: items and completions of calls that we never made, "Ping", "Ack", "Sequence".

    Types that nobody knows today may come with a later version.
    """
    gate = new_gate()
    async with running.shaken() as wire:
        await wire.send(call("1", "Wait", gate), message)
        assert await wire.record() == called("Waiting", gate)
        assert await alive(wire)
        open_gate(gate)
        assert await wire.record() == completed("1")


async def test_two_clients_have_ids_of_their_own(running: Running) -> None:
    """HubProtocol, "Invocations": unique per connection."""
    gate = new_gate()
    async with running.shaken() as first, running.shaken() as second:
        await first.send(call("1", "Wait", gate))
        assert await first.record() == called("Waiting", gate)
        await second.send(call("1", "Repeat", "a", 1))
        assert await second.record() == called("Repeated", ["a", 1])
        assert await second.record() == completed("1")
        open_gate(gate)
        assert await first.record() == completed("1")
