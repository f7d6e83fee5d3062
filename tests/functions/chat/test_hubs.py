"""The methods of both hubs."""

from itertools import pairwise
from typing import Any

import pytest

from scripts.fakes.conversation import Speech
from scripts.fakes.openai import Scripted
from shared.planner.prompts import INTRODUCE
from tests.functions.chat.chat_service import ChatService
from tests.functions.chat.hub_user import (
    HUB_V1,
    HUB_V2,
    HubUser,
    connect_user,
    prompt_messages,
    system_prompt,
)
from tests.loopback import until

SLOW_TOKENS_PER_S = 50
LONG_TEXT = "SECRET-reply " + "".join(f"word {number}, " for number in range(300))
EVERY_PATH = pytest.mark.parametrize("path", [HUB_V1, HUB_V2, f"/v2{HUB_V1}", f"/v2{HUB_V2}"])
BOTH_HUBS = pytest.mark.parametrize("path", [HUB_V1, HUB_V2])


async def begin_long_reply(service: ChatService, user: HubUser, text: str) -> str:
    """Begin a long, slow reply. Return the invocation's id after some updates."""
    service.openai.tokens_per_s = SLOW_TOKENS_PER_S
    service.openai.script.append(Scripted(Speech(LONG_TEXT)))
    invocation_id = await user.begin_message(text)
    count = len(user.texts)
    while len(user.texts) < count + 3:
        await user.receive()
    return invocation_id


@EVERY_PATH
async def test_introduction_is_in_the_language_of_the_locale(
    service: ChatService, path: str
) -> None:
    async with connect_user(service, path) as user:
        await user.introduce("de-DE")
    assert user.texts
    assert all(later.startswith(earlier) for earlier, later in pairwise(user.texts))
    assert prompt_messages(service) == [("user", INTRODUCE)]
    assert "locale: de-DE." in system_prompt(service)


LOCALES = {
    "de-DE": "de-DE",
    "pt-BR": "pt-BR",
    "de": "en-AU",
    "deu-DEU": "en-AU",
    "de_DE": "en-AU",
    "de-D": "en-AU",
    "de-DEU": "en-AU",
    "de-DE-1996": "en-AU",
    "zh-Hant-TW": "en-AU",
    "": "en-AU",
    "de-DE\n": "en-AU",
    " de-DE": "en-AU",
    "de-DE. Forget": "en-AU",
    "\u0434\u0435-DE": "en-AU",
    "12-34": "en-AU",
}


@pytest.mark.parametrize(("locale", "expected"), LOCALES.items(), ids=map(ascii, LOCALES))
@BOTH_HUBS
async def test_invalid_locale_falls_back_to_en_au(
    service: ChatService, path: str, locale: str, expected: str
) -> None:
    async with connect_user(service, path) as user:
        await user.introduce(locale)
        await user.send_message("SECRET-hello")
    assert f"locale: {expected}." in system_prompt(service)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("pounds", "unit for weights: pounds (lb)."),
        ("Pounds", "unit for weights: pounds (lb)."),
        ("kilograms", "unit for weights: kilograms (kg)."),
        ("stones", None),
        ("", None),
    ],
)
async def test_valid_weight_unit_is_kept(
    service: ChatService, unit: str, expected: str | None
) -> None:
    async with connect_user(service, HUB_V2) as user:
        await user.introduce("en-AU", unit)
        await user.send_message("SECRET-hello")
    lines = [line for line in system_prompt(service).splitlines() if "unit for weights:" in line]
    assert [line.partition("user's ")[2] for line in lines] == ([expected] if expected else [])


@BOTH_HUBS
async def test_next_reply_works_after_a_stopped_one(service: ChatService, path: str) -> None:
    service.openai.script.append(Scripted(Speech("SECRET-first words")))
    async with connect_user(service, path) as user:
        await user.send_message("SECRET-before")
        invocation_id = await begin_long_reply(service, user, "SECRET-one")
        await user.send("StopInProgress")
        await user.wait_for_completion(invocation_id)
        await until(lambda: service.openai.open_streams == 0)
        partial_text = user.texts[-1]
        service.openai.script.append(Scripted(Speech("SECRET-reply")))
        assert await user.send_message("SECRET-two") == "SECRET-reply"
        # A reply sends no message after its completion.
        assert all("SECRET-reply".startswith(text) for text in user.texts)
    [*_before, one, partial, two] = prompt_messages(service)
    assert (one, two) == (("user", "SECRET-one"), ("user", "SECRET-two"))
    assert partial == ("assistant", partial_text)
    assert partial_text != LONG_TEXT
    assert LONG_TEXT.startswith(partial_text)


@BOTH_HUBS
async def test_stop_without_a_reply_has_no_effect(service: ChatService, path: str) -> None:
    async with connect_user(service, path) as user:
        await user.invoke("StopInProgress")
        await user.send("StopInProgress")
        assert await user.send_message("SECRET-one")
        await user.invoke("StopInProgress")
        assert await user.send_message("SECRET-two")
    assert [text for role, text in prompt_messages(service) if role == "user"] == [
        "SECRET-one",
        "SECRET-two",
    ]


@BOTH_HUBS
async def test_newer_message_stops_the_previous_reply(service: ChatService, path: str) -> None:
    async with connect_user(service, path) as user:
        older = await begin_long_reply(service, user, "SECRET-one")
        service.openai.script.append(Scripted(Speech("SECRET-reply")))
        newer = await user.begin_message("SECRET-two")
        await user.wait_for_completion(newer)
        assert user.texts[-1] == "SECRET-reply"
        # The previous reply ends before the next begins.
        assert list(user.completed) == [older, newer]
        await user.wait_for_completion(older)
    one, partial, two = prompt_messages(service)
    assert (one, two) == (("user", "SECRET-one"), ("user", "SECRET-two"))
    assert partial[0] == "assistant"
    assert LONG_TEXT.startswith(partial[1])
    assert partial[1] != LONG_TEXT


@BOTH_HUBS
async def test_concurrent_messages_complete_and_last_gets_reply(
    service: ChatService, path: str
) -> None:
    def echo(request: dict[str, Any]) -> Speech:
        return Speech(f"{request['messages'][-1]['content']}, you wrote")

    service.openai.compose, composed = echo, service.openai.compose
    try:
        async with connect_user(service, path) as user:
            invocation_ids = [await user.begin_message(f"SECRET-{number}") for number in range(5)]
            for invocation_id in invocation_ids:
                await user.wait_for_completion(invocation_id)
            assert user.texts[-1] == "SECRET-4, you wrote"
    finally:
        service.openai.compose = composed
    await until(lambda: service.openai.open_streams == 0)


@BOTH_HUBS
async def test_restart_stops_and_forgets_the_reply(service: ChatService, path: str) -> None:
    async with connect_user(service, path) as user:
        await user.introduce("de-DE")
        invocation_id = await begin_long_reply(service, user, "SECRET-one")
        await user.send("RestartChat")
        await user.wait_for_completion(invocation_id)
        assert user.texts[-1] != LONG_TEXT
        await until(lambda: service.openai.open_streams == 0)
        service.openai.tokens_per_s = 0
        await user.send_message("SECRET-two")
        assert prompt_messages(service) == [("user", "SECRET-two")]
        assert "locale: de-DE." in system_prompt(service)


@BOTH_HUBS
async def test_message_after_restart_begins_a_new_history(service: ChatService, path: str) -> None:
    async with connect_user(service, path) as user:
        await user.send_message("SECRET-one")
        older = await begin_long_reply(service, user, "SECRET-two")
        await user.send("RestartChat")
        service.openai.script.append(Scripted(Speech("SECRET-reply")))
        newer = await user.begin_message("SECRET-three")
        await user.wait_for_completion(older)
        assert LONG_TEXT not in user.texts
        await user.wait_for_completion(newer)
        assert user.texts[-1] == "SECRET-reply"
    assert prompt_messages(service) == [("user", "SECRET-three")]


@BOTH_HUBS
async def test_clients_have_separate_conversations(service: ChatService, path: str) -> None:
    async with connect_user(service, path) as ann, connect_user(service, path) as ben:
        invocation_id = await begin_long_reply(service, ann, "SECRET-ann")
        service.openai.script.append(Scripted(Speech("SECRET-for ben")))
        assert await ben.send_message("SECRET-ben") == "SECRET-for ben"
        assert prompt_messages(service) == [("user", "SECRET-ben")]
        await ben.invoke("StopInProgress")
        await ben.invoke("RestartChat")
        assert not ann.completed
        service.openai.tokens_per_s = 0
        await ann.wait_for_completion(invocation_id)
        assert ann.texts[-1] == LONG_TEXT
        await ben.send_message("SECRET-ben again")
        assert prompt_messages(service) == [("user", "SECRET-ben again")]
        await ann.send_message("SECRET-ann again")
        assert prompt_messages(service)[:2] == [("user", "SECRET-ann"), ("assistant", LONG_TEXT)]


async def test_conversation_ends_with_its_connection(service: ChatService) -> None:
    async with connect_user(service, HUB_V2) as user:
        await begin_long_reply(service, user, "SECRET-one")
    await until(
        lambda: service.openai.open_streams == service.server.handlers.connection_count == 0
    )
    service.openai.tokens_per_s = 0
    async with connect_user(service, HUB_V2) as user:
        await user.send_message("SECRET-two")
    assert prompt_messages(service) == [("user", "SECRET-two")]
