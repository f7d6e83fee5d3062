"""Several calls at a time, and calls that are cancelled."""

from collections.abc import Iterator

import pytest

from tests.functions.chat.aftermath import nothing_left
from tests.functions.chat.hub_for_tests import (
    HubForTests,
    alive,
    call,
    called,
    cancel,
    completed,
    failed,
    new_gate,
    open_gate,
)
from tests.functions.chat.service import Running, Wire, hub_alone, served_chat


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with served_chat(hub_alone(HubForTests)) as running:
        yield running


async def waiting(wire: Wire, *invocation_ids: str) -> list[str]:
    """Begin calls that wait; return their gates, once they have begun."""
    gates = [new_gate() for _ in invocation_ids]
    await wire.send(
        *(call(each, "Wait", gate) for each, gate in zip(invocation_ids, gates, strict=True))
    )
    for gate in gates:
        assert await wire.record() == called("Waiting", gate)
    return gates


async def test_two_calls_run_at_once_and_end_in_any_order(running: Running) -> None:
    """The contract, "Chat": so that `StopInProgress` can interrupt `SendMessage`."""
    async with running.shaken() as wire:
        first, second = await waiting(wire, "1", "2")
        open_gate(second)
        assert await wire.record() == completed("2")
        open_gate(first)
        assert await wire.record() == completed("1")


async def test_the_third_call_waits_until_one_has_ended(running: Running) -> None:
    """The contract, "Chat": two at a time."""
    third, fourth = new_gate(), new_gate()
    async with running.shaken() as wire:
        first, second = await waiting(wire, "1", "2")
        await wire.send(call("3", "Wait", third), call("4", "Wait", fourth))
        await wire.send(call("", "Unknown"))  # waits, too
        open_gate(second)
        assert await wire.record() == completed("2")
        assert await wire.record() == called("Waiting", third)
        open_gate(first)
        assert await wire.record() == completed("1")
        assert await wire.record() == called("Waiting", fourth)
        open_gate(third)
        assert await wire.record() == completed("3")
        assert await failed(wire, "")
        open_gate(fourth)
        assert await wire.record() == completed("4")


async def test_too_many_calls_are_refused_and_the_others_are_not(running: Running) -> None:
    async with running.shaken() as wire:
        first, second = await waiting(wire, "1", "2")
        in_line = [str(number) for number in range(3, 11)]
        await wire.send(*(call(each, "Nothing") for each in in_line))
        await wire.send(call("too many", "Nothing"), call(None, "Repeat", "a", 1))
        assert await failed(wire, "too many") == "too many invocations at once"
        open_gate(first)
        said = [await wire.record() for _ in range(9)]
        assert said == [completed(each) for each in ("1", *in_line)]
        open_gate(second)
        assert await wire.record() == completed("2")
        assert await alive(wire)


async def test_what_is_cancelled_is_completed_without_an_error(running: Running) -> None:
    """HubProtocol, "Cancellation": it must still be completed."""
    async with running.shaken() as wire:
        [gate] = await waiting(wire, "1")
        await wire.send(cancel("1"))
        assert await wire.record() == completed("1")
        await wire.send(cancel("1"))
        open_gate(gate)
        assert await alive(wire)


async def test_what_is_cancelled_twice_is_completed_once(running: Running) -> None:
    """HubProtocol, "Completion and results": nothing comes for an id after its completion."""
    async with running.shaken() as wire:
        await waiting(wire, "1")
        await wire.send(cancel("1"), cancel("1"))
        assert await wire.record() == completed("1")
        assert await alive(wire)


async def test_what_is_cancelled_as_soon_as_it_begins_is_completed(running: Running) -> None:
    """HubProtocol, "Cancellation": call and cancellation in one frame."""
    async with running.shaken() as wire:
        await wire.send(call("1", "Wait", gate := new_gate()), cancel("1"))
        assert await wire.until_completed("1") in (
            [completed("1")],
            [called("Waiting", gate), completed("1")],
        )
        assert await alive(wire)


async def test_what_is_cancelled_while_it_waits_is_completed_and_never_begins(
    running: Running,
) -> None:
    """HubProtocol, "Cancellation"."""
    async with running.shaken() as wire:
        first, _ = await waiting(wire, "1", "2")
        await wire.send(call("3", "Wait", new_gate()), call("4", "Nothing"), cancel("3"))
        assert await wire.record() == completed("3")
        open_gate(first)
        assert await wire.record() == completed("1")
        assert await wire.record() == completed("4")


async def test_a_cancelled_call_makes_room_for_the_next(running: Running) -> None:
    async with running.shaken() as wire:
        _, second = await waiting(wire, "1", "2")
        await wire.send(call("3", "Nothing"), cancel("1"))
        assert await wire.record() == completed("1")
        assert await wire.record() == completed("3")
        open_gate(second)
        assert await wire.record() == completed("2")


async def test_a_cancellation_of_what_does_not_run_is_ignored(running: Running) -> None:
    """HubProtocol, "Cancellation"."""
    async with running.shaken() as wire:
        [gate] = await waiting(wire, "1")
        await wire.send(cancel("2"), cancel(""))
        assert await alive(wire)
        open_gate(gate)
        assert await wire.record() == completed("1")


async def test_an_id_in_flight_must_not_be_used_again(running: Running) -> None:
    """HubProtocol, "Errors"."""
    async with running.shaken() as wire:
        await waiting(wire, "1")
        await wire.send(call("1", "Nothing"))
        assert await wire.record() == {
            "type": 7,
            "error": "an invocation has the id of another in flight",
        }
        assert await wire.closed() == 1002
    await nothing_left(running)


async def test_an_id_in_line_must_not_be_used_again(running: Running) -> None:
    """HubProtocol, "Errors"."""
    async with running.shaken() as wire:
        await waiting(wire, "1", "2")
        await wire.send(call("3", "Nothing"), call("3", "Nothing"))
        assert (await wire.record())["type"] == 7
        assert await wire.closed() == 1002


async def test_any_number_of_calls_in_flight_may_have_no_id(running: Running) -> None:
    """HubProtocol, "Non-Blocking Invocations"."""
    gate = new_gate()
    async with running.shaken() as wire:
        await wire.send(call(None, "Wait", gate), call(None, "Wait", gate))
        for _ in range(2):
            assert await wire.record() == called("Waiting", gate)
        await wire.send(call("1", "Nothing"))
        open_gate(gate)
        assert await wire.record() == completed("1")


@pytest.mark.parametrize("how", ["politely", "without a word"])
async def test_a_client_that_goes_ends_its_calls(running: Running, how: str) -> None:
    """The contract, "Chat": a conversation is dropped when the connection ends."""
    async with running.shaken() as wire:
        await waiting(wire, "1", "2")
        await wire.send(call("3", "Wait", new_gate()))
        if how == "politely":
            await wire.send({"type": 7})
            assert await wire.rest() == []
            assert await wire.closed() == 1000
        else:
            wire.socket.transport.abort()
    await nothing_left(running)
