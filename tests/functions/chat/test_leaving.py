"""A server that is told to stop lets end what has begun."""

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
from shared.purchases.authenticator import Purchase, PurchaseAuthenticator
from tests.functions.chat.aftermath import errors_logged, nothing_left
from tests.functions.chat.hub_for_tests import (
    HubForTests,
    SlowStore,
    call,
    called,
    completed,
    new_gate,
    open_gate,
    opened,
)
from tests.functions.chat.service import TOKEN, UPGRADE, Running, hub_alone, served_chat
from tests.loopback import until

GOODBYE = {"type": 7, "allowReconnect": True}
PATIENT_S = 120


async def nobody_is_let_in(running: Running) -> None:
    """Return once nobody can connect any more."""
    while True:
        try:
            _, writer = await asyncio.open_connection(HOST, running.port)
        except OSError:
            return
        writer.close()


async def test_calls_end_and_their_connection_after_them() -> None:
    """HubProtocol, "Close": clients come back to another instance."""
    gate = new_gate()
    with served_chat(hub_alone(HubForTests), grace_s=PATIENT_S) as running:
        async with running.shaken() as talking, running.shaken() as idle:
            await talking.send(call("1", "Wait", gate))
            assert await talking.record() == called("Waiting", gate)
            running.stop()
            assert await idle.rest() == [GOODBYE]
            open_gate(gate)
            assert await talking.rest() == [completed("1"), GOODBYE]
            assert await talking.closed() == 1000
        await nothing_left(running)


async def test_who_is_signing_in_is_told_to_try_another_instance() -> None:
    """The contract, "General": 503, with `Retry-After`."""
    store, header = SlowStore(), f"Web {TOKEN}"
    chat = ChatHandlers(PurchaseAuthenticator({"Web": store}), {"/hub": HubForTests})
    with served_chat(chat, grace_s=PATIENT_S) as running, errors_logged() as errors:
        connecting = asyncio.create_task(running.upgraded(header=header))
        await opened(store.asked)
        running.stop()
        await nobody_is_let_in(running)
        open_gate(store.told)
        answer = await connecting
        await nothing_left(running)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert errors == []


async def test_who_signs_in_while_it_stops_is_told_so_at_once_and_all_others_in_time() -> None:
    """The contract, "General": 503; the store may take its time."""
    store, header = SlowStore(), f"Web {TOKEN}"
    chat = ChatHandlers(PurchaseAuthenticator({"Web": store}), {"/hub": HubForTests})
    with served_chat(chat, grace_s=PATIENT_S) as running, errors_logged() as errors:
        with socket.create_connection((HOST, running.port), timeout=PATIENT_S) as kept_alive:
            early = asyncio.create_task(running.upgraded(header=header))
            await opened(store.asked)
            kept_alive.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await asyncio.to_thread(kept_alive.recv, 4096)).startswith(b"HTTP/1.1 200")
            running.stop()
            await nobody_is_let_in(running)
            kept_alive.sendall(UPGRADE)
            late = await asyncio.to_thread(kept_alive.recv, 4096)
            assert late.startswith(b"HTTP/1.1 503")
            running.end_grace()
            answer = await early
        await nothing_left(running)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert store.times == 1
    assert errors == []


def ready(kept_alive: HTTPConnection) -> tuple[int, Any]:
    """Ask, on a connection that is there already, whether the chat is ready."""
    kept_alive.request("GET", "/health/ready")
    answer = kept_alive.getresponse()
    return answer.status, json.load(answer)


async def test_who_is_told_to_stop_says_that_it_is_not_ready() -> None:
    gate = new_gate()
    with served_chat(hub_alone(HubForTests), grace_s=PATIENT_S) as running:
        with closing(HTTPConnection(HOST, running.port, timeout=PATIENT_S)) as kept_alive:
            async with running.shaken() as talking:
                await talking.send(call("1", "Wait", gate))
                assert await talking.record() == called("Waiting", gate)
                status, answer = await asyncio.to_thread(ready, kept_alive)
                assert status == 200
                running.stop()
                await nobody_is_let_in(running)
                async with asyncio.timeout(PATIENT_S):
                    while status == 200:
                        status, answer = await asyncio.to_thread(ready, kept_alive)
                assert status == 503
                assert answer["dependencies"]["instance"]["status"] == "unavailable"
                open_gate(gate)
                assert await talking.rest() == [completed("1"), GOODBYE]
        await nothing_left(running)


async def test_who_does_not_read_does_not_keep_it() -> None:
    """Nor is that an error of ours."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    with (
        errors_logged() as errors,
        served_chat(hub_alone(HubForTests), grace_s=0.1) as running,
    ):
        small.connect((HOST, running.port))
        async with running.shaken(sock=small, max_queue=1) as wire:
            await wire.send(call(None, "Grow", 50, 2000, gate := new_gate()))
            await opened(gate)
            running.stop()
            await nothing_left(running)
            wire.socket.transport.abort()
    assert errors == []


async def test_who_is_negotiating_is_answered_and_stores_can_be_asked_meanwhile(
    http: httpx.AsyncClient,
) -> None:
    outgoing = open_client()

    class Asking(SlowStore):
        async def find_purchase(self, token: str, now: datetime) -> Purchase | None:
            purchase = await super().find_purchase(token, now)
            return None if outgoing.is_closed else purchase

    store = Asking()
    chat = ChatHandlers(PurchaseAuthenticator({"Web": store}), {"/hub": HubForTests})
    with served_chat(chat, http=outgoing, grace_s=PATIENT_S) as running:
        asking = http.post(
            f"{running.address}/hub/negotiate", headers={"Authorization": f"Web {TOKEN}"}
        )
        negotiating = asyncio.create_task(asking)
        await opened(store.asked)
        running.stop()
        await nobody_is_let_in(running)
        open_gate(store.told)
        assert (await negotiating).status_code == 200
    assert outgoing.is_closed


async def test_who_does_not_end_in_time_is_told_to_come_back() -> None:
    with served_chat(hub_alone(HubForTests), grace_s=0.1) as running:
        async with running.shaken() as wire:
            await wire.send(call("1", "Wait", new_gate()))
            await until(lambda: running.chat.connected == 1)
            running.stop()
            assert (await wire.rest())[-1] == GOODBYE
            assert await wire.closed() == 1000
        await nothing_left(running)
