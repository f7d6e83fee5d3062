"""SignalR's official client on each of its platforms."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import get_args
from urllib.parse import quote

import httpx
import pytest

from functions.chat.connection import Timing
from functions.chat.handlers import ChatHandlers
from scripts.fakes.conversation import Speech
from scripts.fakes.openai import Scripted
from tests.caller_auth import caller_auth
from tests.functions.chat.chat_service import ChatService
from tests.functions.chat.client_interface import (
    LONG_TEXT,
    SLOW_TOKENS_PER_S,
    ConnectionRejectedError,
    InvocationError,
    is_growing,
    prompt_texts,
)
from tests.functions.chat.fake_hub import FakeHub
from tests.functions.chat.javascript_clients import LOCK, Node, Platform, start_node
from tests.functions.chat.running_chat import TOKEN, OneTokenProvider, serve_chat
from tests.functions.chat.tcp_proxy import open_proxy
from tests.loopback import until

RELEASES = ["signalr-8", "signalr-10"]


@pytest.fixture(scope="module", params=RELEASES)
async def node(request: pytest.FixtureRequest) -> AsyncIterator[Node]:
    async with start_node(request.param) as node:
        yield node


@pytest.fixture(params=[False, True], ids=["ai-chat", "ai-chat-v2"])
def is_new(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_lock_file_has_two_releases() -> None:
    packages = json.loads(LOCK.read_text())["packages"]
    releases = {name: packages[f"node_modules/{name}"] for name in RELEASES}
    assert {each["name"] for each in releases.values()} == {"@microsoft/signalr"}
    assert [each["version"].partition(".")[0] for each in releases.values()] == ["8", "10"]


@pytest.mark.node
async def test_client_reconnects_after_a_reset(
    node: Node, service: ChatService, *, is_new: bool
) -> None:
    service.openai.tokens_per_s = SLOW_TOKENS_PER_S
    service.openai.script.append(Scripted(Speech(LONG_TEXT)))
    async with (
        open_proxy(service.server.address) as proxy,
        node.connect(proxy.address, service.token, is_new=is_new, reconnects=True) as client,
    ):
        reply = asyncio.create_task(client.send_message("SECRET-before"))
        await until(lambda: len(client.texts) > 0)
        proxy.cut()
        with pytest.raises(InvocationError):
            await reply
        await until(lambda: client.events == ["reconnecting", "reconnected"])
        await until(
            lambda: (
                service.server.handlers.connection_count == 1 and service.openai.open_streams == 0
            )
        )
        service.openai.tokens_per_s = 0
        client.clear()
        await client.send_message("SECRET-after")
    assert client.texts
    assert prompt_texts(service) == ["SECRET-after"]


@pytest.mark.node
async def test_client_reconnects_after_a_close_message(node: Node) -> None:
    chat = ChatHandlers(
        caller_auth({"Web": OneTokenProvider()}),
        {"/ai-chat": FakeHub},
        Timing(max_age_s=0.2),
    )
    token = f"Web {TOKEN}"
    with serve_chat(chat) as server:
        here = server.address
        async with node.connect(here, token, is_new=False, reconnects=True) as client:
            await until(lambda: client.events[:2] == ["reconnecting", "reconnected"])
        async with node.connect(here, token, is_new=False) as client:
            await until(lambda: client.events == ["closed"])


@pytest.mark.node
async def test_stream_invocation_fails_alone(
    node: Node, service: ChatService, *, is_new: bool
) -> None:
    async with node.connect(service.server.address, service.token, is_new=is_new) as client:
        with pytest.raises(InvocationError, match="the method does not return a stream"):
            await client.run("stream", method="SendMessage", values=["SECRET-text"])
        await client.send_message("SECRET-hello")
    assert client.texts


@pytest.mark.node
async def test_sent_message_fails_without_an_error(
    node: Node, service: ChatService, *, is_new: bool
) -> None:
    async with node.connect(service.server.address, service.token, is_new=is_new) as client:
        await client.run("send", method="NoSuchMethod", values=["SECRET-text"])
        await client.send_message("SECRET-hello")
    assert client.texts


@pytest.mark.node
@pytest.mark.parametrize("platform", [each for each in get_args(Platform) if each != "node"])
@pytest.mark.parametrize("release", RELEASES)
async def test_each_platform_sends_the_token(
    service: ChatService, release: str, platform: Platform, *, is_new: bool
) -> None:
    async with (
        start_node(release, platform=platform) as library,
        open_proxy(service.server.address) as proxy,
    ):
        async with library.connect(proxy.address, service.token, is_new=is_new) as client:
            await client.send_message("SECRET-hello")
        negotiation, upgrade = proxy.requests
        with pytest.raises(ConnectionRejectedError):
            async with library.connect(proxy.address, "Web SECRET-wrong", is_new=is_new):
                pytest.fail("the connection was accepted")
    assert is_growing(client.texts)
    assert f"authorization: bearer {service.token}".lower() in negotiation.lower()
    in_browser = platform == "browser"
    assert (f"access_token={quote(service.token)}" in upgrade.partition("\r\n")[0]) == in_browser
    assert ("authorization:" in upgrade.lower()) != in_browser
    assert set(proxy.statuses) == {200, 101, 401}


@pytest.mark.node
async def test_cors_allows_the_headers_of_the_client(
    service: ChatService, http: httpx.AsyncClient
) -> None:
    async with (
        start_node("signalr-10", platform="browser") as browser,
        open_proxy(service.server.address) as proxy,
        browser.connect(proxy.address, service.token, is_new=True),
    ):
        negotiation = proxy.requests[0].split("\r\n")
    path = negotiation[0].split(" ")[1]
    names = {header.partition(":")[0].lower() for header in negotiation[1:] if header}
    unusual = {name for name in names if name == "authorization" or name.startswith("x-")}
    assert len(unusual) > 1
    response = await http.options(
        f"{service.server.address}{path}",
        headers={
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": ",".join(sorted(unusual)),
        },
    )
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert "POST" in response.headers["access-control-allow-methods"]
    allowed = response.headers["access-control-allow-headers"].lower().replace(" ", "").split(",")
    assert unusual <= {*allowed}
