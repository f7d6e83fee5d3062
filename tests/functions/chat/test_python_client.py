"""What only signalrcore does, and the chat's own client on it."""

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
from shared.purchases.authenticator import PurchaseAuthenticator
from tests.functions.chat.aftermath import nothing_left
from tests.functions.chat.cable import cable
from tests.functions.chat.hub_for_tests import HubForTests
from tests.functions.chat.own_chat import Talk
from tests.functions.chat.scenario import reminders
from tests.functions.chat.service import PATIENCE_S, TOKEN, OneKey, Running, served_chat
from tests.loopback import until


async def test_after_a_cut_the_library_comes_back_by_itself(talk: Talk) -> None:
    received: list[Any] = []
    opened, reopened, ended = Event(), Event(), Event()
    async with cable(talk.running.address) as line:
        options = {"access_token_factory": lambda: talk.token}
        builder = HubConnectionBuilder().with_url(f"{line.address}/ai-chat", options=options)
        hub = builder.with_automatic_reconnect({"reconnect_interval": 0.1}).build()
        hub.on("ReceiveMessage", received.extend)
        hub.on_open(opened.set)
        hub.on_reconnect(reopened.set)
        await asyncio.to_thread(hub.start)
        await until(opened.is_set)
        line.cut(is_abrupt=False)  # after an abrupt one this library gives up
        await until(reopened.is_set)
        hub.send("SendMessage", ["SECRET-after"], lambda _: ended.set(), str(uuid4()))
        await until(ended.is_set)
        hub.transport.reconnection_handler = None  # this time it is to stay away
        hub.transport.connection_checker.running = False  # by itself its thread would go on
        with closing(hub.transport._client.sock) as connection:  # noqa: SLF001 - as Coach does
            connection.shutdown(SHUT_RDWR)
            await asyncio.to_thread(hub.stop)
    assert received
    assert reminders(talk) == ["SECRET-after"]


def served_without_pings() -> AbstractContextManager[Running]:
    """Serve a chat that sends nothing by itself."""
    silent = Timing(ping_s=3600, silence_s=3600)
    return served_chat(
        ChatHandlers(PurchaseAuthenticator({"Web": OneKey()}), {"/ai-chat": HubForTests}, silent)
    )


async def test_chat_client_disconnects_when_the_server_is_silent() -> None:
    """The library alone would wait for the server's next message."""

    def talk_once(address: str) -> None:
        with Coach(address, f"Web {TOKEN}", print, is_new=False) as coach:
            coach.invoke("Nothing").result(timeout=PATIENCE_S)

    with served_without_pings() as running:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.to_thread(talk_once, running.address)
        await nothing_left(running)


async def test_chat_client_sends_pings_when_the_user_is_silent() -> None:
    """HubProtocol, "Ping"."""
    with served_without_pings() as running:
        async with cable(running.address) as line:
            coach = Coach(line.address, f"Web {TOKEN}", print, is_new=False, ping_s=0.1)
            await asyncio.to_thread(coach.__enter__)
            before = line.sent_bytes
            await until(lambda: line.sent_bytes > before + 3 * len('{"type":6}'))
            await asyncio.wrap_future(coach.invoke("Nothing"))
            await asyncio.to_thread(coach.__exit__)
        await nothing_left(running)


async def test_the_coach_says_so_when_it_has_been_cut_off(talk: Talk) -> None:
    async with cable(talk.running.address) as line:
        coach = Coach(line.address, talk.token, lambda _message: None, is_new=False)
        await asyncio.to_thread(coach.__enter__)
        talk.openai.tokens_per_s = 1
        reply = coach.send("SECRET-before")
        await until(lambda: talk.openai.talking == 1)
        line.cut()
        with pytest.raises(DisconnectedError):
            await asyncio.wrap_future(reply)
        with pytest.raises(DisconnectedError):
            coach.send("SECRET-after")
        await asyncio.to_thread(coach.__exit__)


async def test_the_coach_says_so_when_there_is_no_server(unused_tcp_port: int, talk: Talk) -> None:
    coach = Coach(f"http://{HOST}:{unused_tcp_port}", talk.token, lambda _message: None)
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(coach.__enter__)
