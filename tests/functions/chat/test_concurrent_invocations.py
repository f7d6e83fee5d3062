"""Concurrent invocations and their cancellation."""

from collections.abc import Iterator

import pytest

from tests.functions.chat.fake_hub import (
    FakeHub,
    cancellation,
    completion,
    hub_invocation,
    invocation,
    is_alive,
    new_gate,
    open_gate,
    receive_error,
)
from tests.functions.chat.resource_checks import wait_until_released
from tests.functions.chat.running_chat import RawClient, RunningChat, serve_chat, single_hub


@pytest.fixture(scope="module")
def server() -> Iterator[RunningChat]:
    with serve_chat(single_hub(FakeHub)) as server:
        yield server


async def waiting(client: RawClient, *invocation_ids: str) -> list[str]:
    """Begin invocations of `Wait`. Return their gates once all of them run."""
    gates = [new_gate() for _ in invocation_ids]
    await client.send(
        *(invocation(each, "Wait", gate) for each, gate in zip(invocation_ids, gates, strict=True))
    )
    for gate in gates:
        assert await client.receive() == hub_invocation("Waiting", gate)
    return gates


async def test_two_invocations_run_concurrently(server: RunningChat) -> None:
    """Contract, "Chat": `StopInProgress` can interrupt `SendMessage`."""
    async with server.connect_to_hub() as client:
        first, second = await waiting(client, "1", "2")
        open_gate(second)
        assert await client.receive() == completion("2")
        open_gate(first)
        assert await client.receive() == completion("1")


async def test_third_invocation_waits_for_a_completion(server: RunningChat) -> None:
    """Contract, "Chat": two at a time."""
    third, fourth = new_gate(), new_gate()
    async with server.connect_to_hub() as client:
        first, second = await waiting(client, "1", "2")
        await client.send(invocation("3", "Wait", third), invocation("4", "Wait", fourth))
        await client.send(invocation("", "Unknown"))  # waits for the others
        open_gate(second)
        assert await client.receive() == completion("2")
        assert await client.receive() == hub_invocation("Waiting", third)
        open_gate(first)
        assert await client.receive() == completion("1")
        assert await client.receive() == hub_invocation("Waiting", fourth)
        open_gate(third)
        assert await client.receive() == completion("3")
        assert await receive_error(client, "")
        open_gate(fourth)
        assert await client.receive() == completion("4")


async def test_only_invocations_over_the_limit_are_rejected(server: RunningChat) -> None:
    async with server.connect_to_hub() as client:
        first, second = await waiting(client, "1", "2")
        in_line = [str(number) for number in range(3, 11)]
        await client.send(*(invocation(each, "Nothing") for each in in_line))
        await client.send(invocation("too many", "Nothing"), invocation(None, "Repeat", "a", 1))
        assert await receive_error(client, "too many") == "too many invocations in flight"
        open_gate(first)
        records = [await client.receive() for _ in range(9)]
        assert records == [completion(each) for each in ("1", *in_line)]
        open_gate(second)
        assert await client.receive() == completion("2")
        assert await is_alive(client)


async def test_cancelled_invocation_completes_without_error(server: RunningChat) -> None:
    """HubProtocol, "Cancellation": a completion is required."""
    async with server.connect_to_hub() as client:
        [gate] = await waiting(client, "1")
        await client.send(cancellation("1"))
        assert await client.receive() == completion("1")
        await client.send(cancellation("1"))
        open_gate(gate)
        assert await is_alive(client)


async def test_invocation_completes_once_when_cancelled_twice(server: RunningChat) -> None:
    """HubProtocol, "Completion and results": the completion is the last message for an id."""
    async with server.connect_to_hub() as client:
        await waiting(client, "1")
        await client.send(cancellation("1"), cancellation("1"))
        assert await client.receive() == completion("1")
        assert await is_alive(client)


async def test_invocation_completes_when_cancelled_at_once(server: RunningChat) -> None:
    """HubProtocol, "Cancellation": both in one frame."""
    async with server.connect_to_hub() as client:
        await client.send(invocation("1", "Wait", gate := new_gate()), cancellation("1"))
        assert await client.receive_until_completed("1") in (
            [completion("1")],
            [hub_invocation("Waiting", gate), completion("1")],
        )
        assert await is_alive(client)


async def test_waiting_invocation_never_runs_when_cancelled(
    server: RunningChat,
) -> None:
    """HubProtocol, "Cancellation"."""
    async with server.connect_to_hub() as client:
        first, _ = await waiting(client, "1", "2")
        await client.send(
            invocation("3", "Wait", new_gate()), invocation("4", "Nothing"), cancellation("3")
        )
        assert await client.receive() == completion("3")
        open_gate(first)
        assert await client.receive() == completion("1")
        assert await client.receive() == completion("4")


async def test_waiting_invocation_starts_after_a_cancellation(server: RunningChat) -> None:
    async with server.connect_to_hub() as client:
        _, second = await waiting(client, "1", "2")
        await client.send(invocation("3", "Nothing"), cancellation("1"))
        assert await client.receive() == completion("1")
        assert await client.receive() == completion("3")
        open_gate(second)
        assert await client.receive() == completion("2")


async def test_cancellation_of_unknown_id_is_ignored(server: RunningChat) -> None:
    """HubProtocol, "Cancellation"."""
    async with server.connect_to_hub() as client:
        [gate] = await waiting(client, "1")
        await client.send(cancellation("2"), cancellation(""))
        assert await is_alive(client)
        open_gate(gate)
        assert await client.receive() == completion("1")


async def test_duplicate_id_of_running_invocation_closes(server: RunningChat) -> None:
    """HubProtocol, "Errors"."""
    async with server.connect_to_hub() as client:
        await waiting(client, "1")
        await client.send(invocation("1", "Nothing"))
        assert await client.receive() == {
            "type": 7,
            "error": "another invocation in flight has the same id",
        }
        assert await client.wait_closed() == 1002
    await wait_until_released(server)


async def test_duplicate_id_of_waiting_invocation_closes(server: RunningChat) -> None:
    """HubProtocol, "Errors"."""
    async with server.connect_to_hub() as client:
        await waiting(client, "1", "2")
        await client.send(invocation("3", "Nothing"), invocation("3", "Nothing"))
        assert (await client.receive())["type"] == 7
        assert await client.wait_closed() == 1002


async def test_several_invocations_may_have_no_id(server: RunningChat) -> None:
    """HubProtocol, "Non-Blocking Invocations"."""
    gate = new_gate()
    async with server.connect_to_hub() as client:
        await client.send(invocation(None, "Wait", gate), invocation(None, "Wait", gate))
        for _ in range(2):
            assert await client.receive() == hub_invocation("Waiting", gate)
        await client.send(invocation("1", "Nothing"))
        open_gate(gate)
        assert await client.receive() == completion("1")


@pytest.mark.parametrize("how", ["politely", "without a word"])
async def test_disconnect_ends_invocations(server: RunningChat, how: str) -> None:
    """Contract, "Chat": a conversation ends with its connection."""
    async with server.connect_to_hub() as client:
        await waiting(client, "1", "2")
        await client.send(invocation("3", "Wait", new_gate()))
        if how == "politely":
            await client.send({"type": 7})
            assert await client.receive_rest() == []
            assert await client.wait_closed() == 1000
        else:
            client.socket.transport.abort()
    await wait_until_released(server)
