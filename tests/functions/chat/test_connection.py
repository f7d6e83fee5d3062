"""Race conditions of a connection, with a client in the same event loop."""

import asyncio

from functions.chat.connection import Timing
from tests.functions.chat.asgi_client import AsgiClient, serve_connection
from tests.functions.chat.fake_hub import invocation
from tests.functions.chat.running_chat import HANDSHAKE
from tests.loopback import until
from tests.virtual_time import VirtualTimeLoop, in_virtual_time


@in_virtual_time
async def test_closing_connection_ignores_new_invocations() -> None:
    client = AsgiClient()
    async with serve_connection(client) as (connection, hub):
        client.send_frame(HANDSHAKE)
        await until(lambda: bool(client.received))
        client.can_read.clear()
        connection.close()
        client.send_messages(invocation("1", "Note", "late"))
        await until(lambda: client.all_received)
        client.can_read.set()
    assert hub.notes == []
    assert client.records[-1] == {"type": 7, "allowReconnect": True}


@in_virtual_time
async def test_closing_connection_drops_waiting_invocations() -> None:
    client = AsgiClient()
    async with serve_connection(client) as (connection, hub):
        client.send_frame(HANDSHAKE)
        client.send_messages(
            invocation("1", "Wait"), invocation("2", "Wait"), invocation("3", "Note", "late")
        )
        await until(lambda: hub.notes == ["waits", "waits"] and client.all_received)
        client.can_read.clear()
        connection.close()
        hub.gate.set()
        await until(lambda: hub.notes.count("has waited") == 2)
        client.can_read.set()
    assert "late" not in hub.notes


@in_virtual_time
async def test_drain_is_safe_when_the_handshake_times_out() -> None:
    loop, left = asyncio.get_running_loop(), asyncio.Event()
    assert isinstance(loop, VirtualTimeLoop)

    def leave() -> None:
        connection.drain()
        left.set()

    client = AsgiClient()
    async with serve_connection(client, Timing(handshake_timeout_s=60)) as (connection, _):
        await asyncio.sleep(0)
        # The loop is late, so both timers are due in the same iteration, the timeout first.
        loop.call_later(59, loop.advance, 2)
        loop.call_later(60.5, leave)
        await left.wait()
    [response] = client.records
    assert list(response) == ["error"]
