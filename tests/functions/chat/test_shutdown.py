"""Shutdown of the server."""

import asyncio
import json
import socket
from contextlib import closing
from datetime import datetime
from http.client import HTTPConnection
from typing import Any

import httpx

from functions.chat.handlers import ChatHandlers
from scripts.local.ports import HOST
from shared.clients.http import open_client
from shared.purchases.authenticator import Purchase
from tests.caller_auth import caller_auth
from tests.functions.chat.fake_hub import (
    BlockingProvider,
    FakeHub,
    completion,
    hub_invocation,
    invocation,
    new_gate,
    open_gate,
    wait_for_gate,
)
from tests.functions.chat.resource_checks import collect_errors, wait_until_released
from tests.functions.chat.running_chat import TOKEN, UPGRADE, RunningChat, serve_chat, single_hub
from tests.loopback import until

CLOSE_MESSAGE = {"type": 7, "allowReconnect": True}
LONG_GRACE_S = 120


async def wait_until_not_listening(server: RunningChat) -> None:
    """Return once the server does not accept connections any more."""
    while True:
        try:
            _, writer = await asyncio.open_connection(HOST, server.port)
        except OSError:
            return
        writer.close()


async def test_shutdown_waits_for_invocations() -> None:
    """HubProtocol, "Close": clients reconnect to another instance."""
    gate = new_gate()
    with serve_chat(single_hub(FakeHub), grace_s=LONG_GRACE_S) as server:
        async with server.connect_to_hub() as busy, server.connect_to_hub() as idle:
            await busy.send(invocation("1", "Wait", gate))
            assert await busy.receive() == hub_invocation("Waiting", gate)
            server.stop()
            assert await idle.receive_rest() == [CLOSE_MESSAGE]
            open_gate(gate)
            assert await busy.receive_rest() == [completion("1"), CLOSE_MESSAGE]
            assert await busy.wait_closed() == 1000
        await wait_until_released(server)


async def test_client_that_signs_in_gets_503() -> None:
    """Contract, "General": 503, with `Retry-After`."""
    provider, header = BlockingProvider(), f"Web {TOKEN}"
    chat = ChatHandlers(caller_auth({"Web": provider}), {"/hub": FakeHub})
    with serve_chat(chat, grace_s=LONG_GRACE_S) as server, collect_errors() as errors:
        connecting = asyncio.create_task(server.request_upgrade(header=header))
        await wait_for_gate(provider.called)
        server.stop()
        await wait_until_not_listening(server)
        open_gate(provider.released)
        response = await connecting
        await wait_until_released(server)
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert errors == []


async def test_late_client_gets_503_at_once() -> None:
    """Contract, "General": 503, also while the purchase provider is slow."""
    provider, header = BlockingProvider(), f"Web {TOKEN}"
    chat = ChatHandlers(caller_auth({"Web": provider}), {"/hub": FakeHub})
    with serve_chat(chat, grace_s=LONG_GRACE_S) as server, collect_errors() as errors:
        with socket.create_connection((HOST, server.port), timeout=LONG_GRACE_S) as keep_alive:
            early = asyncio.create_task(server.request_upgrade(header=header))
            await wait_for_gate(provider.called)
            keep_alive.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            # Head and body may arrive in two segments.
            healthy = b""
            while not healthy.endswith(b"healthy"):
                part = await asyncio.to_thread(keep_alive.recv, 4096)
                assert part, "the server closed the connection"
                healthy += part
            assert healthy.startswith(b"HTTP/1.1 200")
            server.stop()
            await wait_until_not_listening(server)
            keep_alive.sendall(UPGRADE)
            late = await asyncio.to_thread(keep_alive.recv, 4096)
            assert late.startswith(b"HTTP/1.1 503")
            server.end_grace()
            response = await early
        await wait_until_released(server)
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert provider.call_count == 1
    assert errors == []


def get_readiness(keep_alive: HTTPConnection) -> tuple[int, Any]:
    """Request the readiness on an existing connection."""
    keep_alive.request("GET", "/health/ready")
    response = keep_alive.getresponse()
    return response.status, json.load(response)


async def test_stopping_server_is_not_ready() -> None:
    gate = new_gate()
    with serve_chat(single_hub(FakeHub), grace_s=LONG_GRACE_S) as server:
        with closing(HTTPConnection(HOST, server.port, timeout=LONG_GRACE_S)) as keep_alive:
            async with server.connect_to_hub() as busy:
                await busy.send(invocation("1", "Wait", gate))
                assert await busy.receive() == hub_invocation("Waiting", gate)
                status, response = await asyncio.to_thread(get_readiness, keep_alive)
                assert status == 200
                server.stop()
                await wait_until_not_listening(server)
                async with asyncio.timeout(LONG_GRACE_S):
                    while status == 200:
                        status, response = await asyncio.to_thread(get_readiness, keep_alive)
                assert status == 503
                assert response["dependencies"]["instance"]["status"] == "unavailable"
                open_gate(gate)
                assert await busy.receive_rest() == [completion("1"), CLOSE_MESSAGE]
        await wait_until_released(server)


async def test_slow_client_does_not_delay_shutdown() -> None:
    """The server logs no error."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    with (
        collect_errors() as errors,
        serve_chat(single_hub(FakeHub), grace_s=0.1) as server,
    ):
        small.connect((HOST, server.port))
        async with server.connect_to_hub(sock=small, max_queue=1) as client:
            await client.send(invocation(None, "Grow", 50, 2000, gate := new_gate()))
            await wait_for_gate(gate)
            server.stop()
            await wait_until_released(server)
            client.socket.transport.abort()
    assert errors == []


async def test_shutdown_waits_for_negotiations(
    http: httpx.AsyncClient,
) -> None:
    outgoing = open_client()

    class ProviderWithClient(BlockingProvider):
        async def find_purchase(self, token: str, now: datetime) -> Purchase | None:
            purchase = await super().find_purchase(token, now)
            return None if outgoing.is_closed else purchase

    provider = ProviderWithClient()
    chat = ChatHandlers(caller_auth({"Web": provider}), {"/hub": FakeHub})
    with serve_chat(chat, http=outgoing, grace_s=LONG_GRACE_S) as server:
        request = http.post(
            f"{server.address}/hub/negotiate", headers={"Authorization": f"Web {TOKEN}"}
        )
        negotiating = asyncio.create_task(request)
        await wait_for_gate(provider.called)
        server.stop()
        await wait_until_not_listening(server)
        open_gate(provider.released)
        assert (await negotiating).status_code == 200
    assert outgoing.is_closed


async def test_grace_period_ends_with_a_close_message() -> None:
    with serve_chat(single_hub(FakeHub), grace_s=0.1) as server:
        async with server.connect_to_hub() as client:
            await client.send(invocation("1", "Wait", new_gate()))
            await until(lambda: server.handlers.connection_count == 1)
            server.stop()
            assert (await client.receive_rest())[-1] == CLOSE_MESSAGE
            assert await client.wait_closed() == 1000
        await wait_until_released(server)
