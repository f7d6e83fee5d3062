"""How apps of both years connect, on SignalR libraries of others."""

import asyncio

import pytest

from scripts.fakes.conversation import Speech
from scripts.fakes.openai import Scripted
from tests.functions.chat.cable import cable
from tests.functions.chat.own_chat import Talk
from tests.functions.chat.scenario import (
    LONG,
    SLOWLY,
    App,
    CallFailedError,
    RefusedError,
    reminders,
)
from tests.loopback import until


async def test_a_client_may_skip_the_negotiation(app: App, talk: Talk) -> None:
    async with cable(talk.running.address) as line:
        async with app.connected(server=line.address, negotiates=False) as client:
            await client.say("SECRET-hello")
        assert client.texts
        assert line.statuses == [101]


@pytest.mark.parametrize(
    "token",
    ["", "SECRET-without-a-store", "Amazon SECRET-token", "Web SECRET-wrong", "Web"],
    ids=["none", "malformed", "unknown store", "wrong key", "store alone"],
)
@pytest.mark.parametrize("negotiates", [True, False], ids=["negotiating", "at the socket"])
async def test_a_bad_token_gets_401(app: App, talk: Talk, token: str, *, negotiates: bool) -> None:
    async with cable(talk.running.address) as line:
        with pytest.raises(RefusedError):
            async with app.connected(server=line.address, token=token, negotiates=negotiates):
                pytest.fail("it was let in")
        assert set(line.statuses) == {401}
        assert all(("/negotiate" in request) == negotiates for request in line.requests)
    assert not talk.openai.requests


async def test_after_an_abrupt_cut_a_new_connection_begins_anew(app: App, talk: Talk) -> None:
    talk.openai.tokens_per_s = SLOWLY
    talk.openai.script.append(Scripted(Speech(LONG)))
    async with cable(talk.running.address) as line:
        async with app.connected(server=line.address) as client:
            reply = asyncio.create_task(client.say("SECRET-before"))
            await until(lambda: len(client.texts) > 0)
            line.cut()
            with pytest.raises(CallFailedError):
                await reply
        await until(lambda: talk.running.chat.connected == talk.openai.talking == 0)
        talk.openai.tokens_per_s = 0
        async with app.connected(server=line.address) as client:
            await client.say("SECRET-after")
    assert client.texts
    assert reminders(talk) == ["SECRET-after"]
