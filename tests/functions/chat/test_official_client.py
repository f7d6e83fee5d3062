"""What only the official client of SignalR does, on each of its platforms."""

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
from shared.purchases.authenticator import PurchaseAuthenticator
from tests.functions.chat.cable import cable
from tests.functions.chat.hub_for_tests import HubForTests
from tests.functions.chat.javascript_clients import LOCK, Node, Platform, started
from tests.functions.chat.own_chat import Talk
from tests.functions.chat.scenario import (
    LONG,
    SLOWLY,
    CallFailedError,
    RefusedError,
    grows,
    reminders,
)
from tests.functions.chat.service import TOKEN, OneKey, served_chat
from tests.loopback import until

RELEASES = ["signalr-8", "signalr-10"]


@pytest.fixture(scope="module", params=RELEASES)
async def node(request: pytest.FixtureRequest) -> AsyncIterator[Node]:
    async with started(request.param) as running:
        yield running


@pytest.fixture(params=[False, True], ids=["ai-chat", "ai-chat-v2"])
def is_new(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_the_lock_file_pins_with_hashes_and_names_no_address() -> None:
    text = LOCK.read_text()
    assert "://" not in text
    packages = json.loads(text)["packages"]
    assert all(each["integrity"] for name, each in packages.items() if name)
    releases = {name: packages[f"node_modules/{name}"] for name in RELEASES}
    assert {each["name"] for each in releases.values()} == {"@microsoft/signalr"}
    assert [each["version"].partition(".")[0] for each in releases.values()] == ["8", "10"]


async def test_after_a_cut_the_client_comes_back_by_itself(
    node: Node, talk: Talk, *, is_new: bool
) -> None:
    talk.openai.tokens_per_s = SLOWLY
    talk.openai.script.append(Scripted(Speech(LONG)))
    async with (
        cable(talk.running.address) as line,
        node.connected(line.address, talk.token, is_new=is_new, reconnects=True) as client,
    ):
        reply = asyncio.create_task(client.say("SECRET-before"))
        await until(lambda: len(client.texts) > 0)
        line.cut()
        with pytest.raises(CallFailedError):
            await reply
        await until(lambda: client.events == ["reconnecting", "reconnected"])
        await until(lambda: talk.running.chat.connected == 1 and talk.openai.talking == 0)
        talk.openai.tokens_per_s = 0
        client.forget()
        await client.say("SECRET-after")
    assert client.texts
    assert reminders(talk) == ["SECRET-after"]


async def test_after_a_farewell_the_client_comes_back_by_itself(node: Node) -> None:
    chat = ChatHandlers(
        PurchaseAuthenticator({"Web": OneKey()}), {"/ai-chat": HubForTests}, Timing(longest_s=0.2)
    )
    token = f"Web {TOKEN}"
    with served_chat(chat) as running:
        here = running.address
        async with node.connected(here, token, is_new=False, reconnects=True) as client:
            await until(lambda: client.events[:2] == ["reconnecting", "reconnected"])
        async with node.connected(here, token, is_new=False) as client:
            await until(lambda: client.events == ["closed"])


async def test_a_stream_that_no_method_has_fails_alone(
    node: Node, talk: Talk, *, is_new: bool
) -> None:
    async with node.connected(talk.running.address, talk.token, is_new=is_new) as client:
        with pytest.raises(CallFailedError, match="the method has no stream"):
            await client.do("stream", method="SendMessage", values=["SECRET-text"])
        await client.say("SECRET-hello")
    assert client.texts


async def test_what_is_sent_and_not_invoked_fails_in_silence(
    node: Node, talk: Talk, *, is_new: bool
) -> None:
    async with node.connected(talk.running.address, talk.token, is_new=is_new) as client:
        await client.do("send", method="NoSuchMethod", values=["SECRET-text"])
        await client.say("SECRET-hello")
    assert client.texts


@pytest.mark.parametrize("platform", [each for each in get_args(Platform) if each != "node"])
@pytest.mark.parametrize("release", RELEASES)
async def test_the_token_travels_as_each_platform_sends_it(
    talk: Talk, release: str, platform: Platform, *, is_new: bool
) -> None:
    async with (
        started(release, platform=platform) as elsewhere,
        cable(talk.running.address) as line,
    ):
        async with elsewhere.connected(line.address, talk.token, is_new=is_new) as client:
            await client.say("SECRET-hello")
        negotiation, upgrade = line.requests
        with pytest.raises(RefusedError):
            async with elsewhere.connected(line.address, "Web SECRET-wrong", is_new=is_new):
                pytest.fail("it was let in")
    assert grows(client.texts)
    assert f"authorization: bearer {talk.token}".lower() in negotiation.lower()
    in_browser = platform == "browser"
    assert (f"access_token={quote(talk.token)}" in upgrade.partition("\r\n")[0]) == in_browser
    assert ("authorization:" in upgrade.lower()) != in_browser
    assert set(line.statuses) == {200, 101, 401}


async def test_a_browser_may_send_what_the_client_sends(
    talk: Talk, http: httpx.AsyncClient
) -> None:
    async with (
        started("signalr-10", platform="browser") as browser,
        cable(talk.running.address) as line,
        browser.connected(line.address, talk.token, is_new=True),
    ):
        negotiation = line.requests[0].split("\r\n")
    path = negotiation[0].split(" ")[1]
    names = {header.partition(":")[0].lower() for header in negotiation[1:] if header}
    unusual = {name for name in names if name == "authorization" or name.startswith("x-")}
    assert len(unusual) > 1
    answer = await http.options(
        f"{talk.running.address}{path}",
        headers={
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": ",".join(sorted(unusual)),
        },
    )
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower().replace(" ", "").split(",")
    assert unusual <= {*allowed}
