"""signalrcore, and the project's own client on it."""

import asyncio
from contextlib import AbstractContextManager, closing
from socket import SHUT_RDWR
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from signalrcore.hub_connection_builder import HubConnectionBuilder

from functions.chat.connection import Timing
from functions.chat.handlers import ChatHandlers
from scripts.client.coach import Coach, DisconnectedError
from scripts.local.ports import HOST
from tests.caller_auth import caller_auth
from tests.functions.chat.chat_service import ChatService
from tests.functions.chat.client_interface import prompt_texts
from tests.functions.chat.fake_hub import FakeHub
from tests.functions.chat.resource_checks import wait_until_released
from tests.functions.chat.running_chat import (
    TEST_TIMEOUT_S,
    TOKEN,
    OneTokenProvider,
    RunningChat,
    serve_chat,
)
from tests.functions.chat.tcp_proxy import open_proxy
from tests.loopback import until


async def test_library_reconnects_after_a_cut(service: ChatService) -> None:
    received: list[Any] = []
    wait_for_gate, reopened, ended = Event(), Event(), Event()
    async with open_proxy(service.server.address) as proxy:
        options = {"access_token_factory": lambda: service.token}
        builder = HubConnectionBuilder().with_url(f"{proxy.address}/ai-chat", options=options)
        hub = builder.with_automatic_reconnect({"reconnect_interval": 0.1}).build()
        hub.on("ReceiveMessage", received.extend)
        hub.on_open(wait_for_gate.set)
        hub.on_reconnect(reopened.set)
        await asyncio.to_thread(hub.start)
        await until(wait_for_gate.is_set)
        proxy.cut(is_abrupt=False)  # this library does not reconnect after a reset
        await until(reopened.is_set)
        hub.send("SendMessage", ["SECRET-after"], lambda _: ended.set(), str(uuid4()))
        await until(ended.is_set)
        hub.transport.reconnection_handler = None  # no further reconnects
        hub.transport.connection_checker.running = False  # otherwise its thread never ends
        with closing(hub.transport._client.sock) as connection:  # noqa: SLF001 - as Coach does
            connection.shutdown(SHUT_RDWR)
            await asyncio.to_thread(hub.stop)
    assert received
    assert prompt_texts(service) == ["SECRET-after"]


def served_without_pings() -> AbstractContextManager[RunningChat]:
    """Serve a chat without pings."""
    silent = Timing(ping_s=3600, silence_timeout_s=3600)
    return serve_chat(
        ChatHandlers(caller_auth({"Web": OneTokenProvider()}), {"/ai-chat": FakeHub}, silent)
    )


async def test_chat_client_disconnects_from_a_silent_server() -> None:
    """The library alone waits for the server's next message."""

    def connect_once(address: str) -> None:
        with Coach(address, f"Web {TOKEN}", print, is_new=False) as coach:
            coach.invoke("Nothing").result(timeout=TEST_TIMEOUT_S)

    with served_without_pings() as server:
        async with asyncio.timeout(TEST_TIMEOUT_S):
            await asyncio.to_thread(connect_once, server.address)
        await wait_until_released(server)


async def test_chat_client_sends_pings_when_the_user_is_silent() -> None:
    """HubProtocol, "Ping"."""
    with served_without_pings() as server:
        async with open_proxy(server.address) as proxy:
            coach = Coach(proxy.address, f"Web {TOKEN}", print, is_new=False, ping_s=0.1)
            await asyncio.to_thread(coach.__enter__)
            before = proxy.sent_bytes
            await until(lambda: proxy.sent_bytes > before + 3 * len('{"type":6}'))
            await asyncio.wrap_future(coach.invoke("Nothing"))
            await asyncio.to_thread(coach.__exit__)
        await wait_until_released(server)


async def test_chat_client_reports_a_lost_connection(service: ChatService) -> None:
    async with open_proxy(service.server.address) as proxy:
        coach = Coach(proxy.address, service.token, lambda _message: None, is_new=False)
        await asyncio.to_thread(coach.__enter__)
        service.openai.tokens_per_s = 1
        reply = coach.send("SECRET-before")
        await until(lambda: service.openai.open_streams == 1)
        proxy.cut()
        with pytest.raises(DisconnectedError):
            await asyncio.wrap_future(reply)
        with pytest.raises(DisconnectedError):
            coach.send("SECRET-after")
        await asyncio.to_thread(coach.__exit__)


async def test_chat_client_reports_an_absent_server(
    unused_tcp_port: int, service: ChatService
) -> None:
    coach = Coach(f"http://{HOST}:{unused_tcp_port}", service.token, lambda _message: None)
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(coach.__enter__)
