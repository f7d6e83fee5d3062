"""Connections of apps of both years with several SignalR libraries."""

import asyncio

import pytest

from scripts.fakes.conversation import Speech
from scripts.fakes.openai import Scripted
from tests.functions.chat.chat_service import ChatService
from tests.functions.chat.client_interface import (
    LONG_TEXT,
    SLOW_TOKENS_PER_S,
    App,
    ConnectionRejectedError,
    InvocationError,
    prompt_texts,
)
from tests.functions.chat.tcp_proxy import open_proxy
from tests.loopback import until


async def test_client_may_skip_the_negotiation(app: App, service: ChatService) -> None:
    async with open_proxy(service.server.address) as proxy:
        async with app.connect(server=proxy.address, negotiates=False) as client:
            await client.send_message("SECRET-hello")
        assert client.texts
        assert proxy.statuses == [101]


@pytest.mark.parametrize(
    "token",
    ["", "SECRET-without-a-store", "Amazon SECRET-token", "Web SECRET-wrong", "Web"],
    ids=["none", "malformed", "unknown store", "wrong key", "store alone"],
)
@pytest.mark.parametrize("negotiates", [True, False], ids=["negotiating", "at the socket"])
async def test_invalid_token_gets_401(
    app: App, service: ChatService, token: str, *, negotiates: bool
) -> None:
    async with open_proxy(service.server.address) as proxy:
        with pytest.raises(ConnectionRejectedError):
            async with app.connect(server=proxy.address, token=token, negotiates=negotiates):
                pytest.fail("the connection was accepted")
        assert set(proxy.statuses) == {401}
        assert all(("/negotiate" in request) == negotiates for request in proxy.requests)
    assert not service.openai.requests


async def test_reconnect_after_a_reset_has_no_history(app: App, service: ChatService) -> None:
    service.openai.tokens_per_s = SLOW_TOKENS_PER_S
    service.openai.script.append(Scripted(Speech(LONG_TEXT)))
    async with open_proxy(service.server.address) as proxy:
        async with app.connect(server=proxy.address) as client:
            reply = asyncio.create_task(client.send_message("SECRET-before"))
            await until(lambda: len(client.texts) > 0)
            proxy.cut()
            with pytest.raises(InvocationError):
                await reply
        await until(
            lambda: service.server.handlers.connection_count == service.openai.open_streams == 0
        )
        service.openai.tokens_per_s = 0
        async with app.connect(server=proxy.address) as client:
            await client.send_message("SECRET-after")
    assert client.texts
    assert prompt_texts(service) == ["SECRET-after"]
