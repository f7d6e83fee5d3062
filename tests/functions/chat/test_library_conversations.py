"""Conversations of apps of both years with several SignalR libraries."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from scripts.fakes.conversation import Speech
from scripts.fakes.openai import Scripted
from tests.functions.chat.chat_service import ChatService
from tests.functions.chat.client_interface import (
    LONG_TEXT,
    SLOW_TOKENS_PER_S,
    App,
    Client,
    InvocationError,
    Library,
    exercises,
    is_extension,
    is_growing,
    prompt_texts,
)
from tests.loopback import until


@pytest.fixture
def new_app(library: Library, service: ChatService) -> App:
    return App(library, service, is_new=True)


async def test_introduction_has_locale_and_unit(app: App, service: ChatService) -> None:
    async with app.connect() as client:
        await client.introduce("de-DE")
    assert client.texts
    assert is_growing(client.texts)
    system_prompt = service.openai.requests[-1]["messages"][0]["content"]
    assert "de-DE" in system_prompt
    assert ("kilograms" in system_prompt.rpartition("de-DE")[2]) == app.is_new


async def test_reply_grows_until_its_completion(app: App, service: ChatService) -> None:
    service.openai.tokens_per_s = SLOW_TOKENS_PER_S
    service.openai.script.append(Scripted(Speech(LONG_TEXT)))
    async with app.connect() as client:
        reply = asyncio.create_task(client.send_message("SECRET-hello"))
        await until(lambda: len(client.texts) > 3)
        assert not reply.done()
        service.openai.tokens_per_s = 0
        await reply
        assert client.texts[-1] == LONG_TEXT
        assert is_growing(client.texts)
        count = len(client.received)
        with pytest.raises(InvocationError):
            await client.invoke("Nothing")
    assert len(client.received) == count


async def test_plan_grows_until_complete(app: App, service: ChatService) -> None:
    service.openai.tokens_per_s = SLOW_TOKENS_PER_S
    async with app.connect() as client:
        reply = asyncio.create_task(client.send_message("SECRET-make me a plan for 2 days"))
        await until(lambda: len(client.plans) > 3)
        assert not reply.done()
        service.openai.tokens_per_s = 0
        await reply
    plans = client.plans
    assert all(is_extension(earlier, later) for earlier, later in pairwise(plans))
    assert sum(map(len, exercises(plans[3]))) > sum(map(len, exercises(plans[0])))
    assert len(exercises(plans[-1])) == 2
    assert all(len(each) >= 5 for each in exercises(plans[-1]))
    assert client.texts[-1] == "Here is a plan for you."


async def test_plan_of_2026_has_all_kinds_of_exercises(new_app: App, service: ChatService) -> None:
    async with new_app.connect() as client:
        await client.send_message("SECRET-make me a plan for 2 days")
    plan = client.received[-1]
    assert (plan["version"], plan["name"]) == (3, plan["blueprint"]["name"])
    for session in exercises(plan["blueprint"]):
        kinds = {exercise["type"] for exercise in session}
        assert kinds == {"WeightedExerciseBlueprint", "CardioExerciseBlueprint"}
        assert any(exercise.get("supersetWithNext") for exercise in session)
        assert any(exercise.get("progression") for exercise in session)


async def test_conversation_continues_after_a_stopped_reply(app: App, service: ChatService) -> None:
    service.openai.tokens_per_s = SLOW_TOKENS_PER_S
    service.openai.script += [Scripted(Speech(LONG_TEXT)), Scripted(Speech("SECRET-complete"))]
    async with app.connect() as client:
        reply = asyncio.create_task(client.send_message("SECRET-hello"))
        await until(lambda: len(client.texts) > 0)
        await client.stop()
        await reply
        last_text = client.texts[-1]
        assert LONG_TEXT.startswith(last_text)
        assert last_text != LONG_TEXT
        await until(lambda: service.openai.open_streams == 0)
        client.clear()
        await client.send_message("SECRET-and now")
    assert client.texts[-1] == "SECRET-complete"
    assert all("SECRET-complete".startswith(text) for text in client.texts)
    first, partial, _second = prompt_texts(service)
    assert first == "SECRET-hello"
    assert LONG_TEXT.startswith(partial)


async def test_restart_clears_the_history(app: App, service: ChatService) -> None:
    async with app.connect() as client:
        await client.introduce("en-AU")
        await client.send_message("SECRET-first")
        assert "SECRET-first" in prompt_texts(service)
        await client.restart()
        await client.send_message("SECRET-second")
    assert prompt_texts(service) == ["SECRET-second"]


async def test_restart_stops_the_reply(app: App, service: ChatService) -> None:
    service.openai.tokens_per_s = SLOW_TOKENS_PER_S
    service.openai.script.append(Scripted(Speech(LONG_TEXT)))
    async with app.connect() as client:
        reply = asyncio.create_task(client.send_message("SECRET-first"))
        await until(lambda: len(client.texts) > 0)
        await client.restart()
        await reply
        assert client.texts[-1] != LONG_TEXT
        service.openai.tokens_per_s = 0
        await client.send_message("SECRET-second")
    assert prompt_texts(service) == ["SECRET-second"]


INVALID_INVOCATIONS: dict[str, tuple[Any, ...]] = {
    "unknown method": ("NoSuchMethod", "SECRET-text"),
    "method in lower case": ("sendMessage", "SECRET-text"),
    "too few": ("SendMessage",),
    "too many": ("SendMessage", "SECRET-text", 3, "SECRET-more"),
    "number for a text": ("SendMessage", 5),
    "null": ("SendMessage", None),
    "version in words": ("SendMessage", "SECRET-text", "three"),
}


@pytest.mark.parametrize("invalid", INVALID_INVOCATIONS.values(), ids=INVALID_INVOCATIONS)
async def test_invalid_invocation_fails_alone(
    app: App, service: ChatService, invalid: tuple[Any, ...]
) -> None:
    method, *values = invalid
    async with app.connect() as client:
        with pytest.raises(InvocationError, match=r"the method takes|there is no such method"):
            await client.invoke(method, *values)
        assert not service.openai.requests
        await client.send_message("SECRET-hello")
    assert client.texts


async def test_clients_receive_only_their_own_replies(
    app: App, service: ChatService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def echo(request: dict[str, Any]) -> Speech:
        return Speech(f"For {request['messages'][-1]['content']}: " + "word " * 50)

    async def both(client: Client, name: str) -> None:
        await client.send_message(f"{name} one")
        await client.send_message(f"{name} two")

    monkeypatch.setattr(service.openai, "compose", echo)
    service.openai.tokens_per_s = SLOW_TOKENS_PER_S
    async with app.connect() as ann, app.connect() as ben:
        replies = asyncio.gather(both(ann, "SECRET-ann"), both(ben, "SECRET-ben"))
        await until(lambda: min(len(ann.texts), len(ben.texts)) > 3)
        assert not replies.done()
        service.openai.tokens_per_s = 0
        await replies
    for name, other, client in (
        ("SECRET-ann", "SECRET-ben", ann),
        ("SECRET-ben", "SECRET-ann", ben),
    ):
        prefixes = f"For {name} one: ", f"For {name} two: "
        assert all(
            text.startswith(prefixes) or any(prefix.startswith(text) for prefix in prefixes)
            for text in client.texts
        )
        assert client.texts[-1].startswith(prefixes[1])
        requests = [
            request for request in service.openai.requests if name in str(request["messages"])
        ]
        assert len(requests) == 2
        assert not any(other in str(request) for request in requests)


async def test_any_text_arrives_unchanged(app: App, service: ChatService) -> None:
    text = "SECRET-\N{FLEXED BICEPS}\N{EMOJI MODIFIER FITZPATRICK TYPE-4} Grüße, 卧推 \x1e\\n\n"
    service.openai.script.append(Scripted(Speech(f"{text}!")))
    async with app.connect() as client:
        await client.send_message(text)
    assert prompt_texts(service) == [text]
    assert client.texts[-1] == f"{text}!"


LONG_TEXTS = {
    "64 KiB": "SECRET-" + "x" * (64 * 1024 - 7),
    "32 KiB of emoji": "SECRET-" + "\N{FLEXED BICEPS}" * (8 * 1024 - 2),
}


@pytest.mark.parametrize("text", LONG_TEXTS.values(), ids=LONG_TEXTS)
async def test_message_of_64_kib_is_accepted(app: App, service: ChatService, text: str) -> None:
    async with app.connect() as client:
        await client.send_message(text)
    assert prompt_texts(service) == [text]
    assert client.texts


async def test_old_app_gets_update_required(new_app: App, service: ChatService) -> None:
    async with new_app.connect() as client:
        await client.invoke("Introduce", "en-AU", 2, "kilograms")
        await client.invoke("SendMessage", "SECRET-make me a plan", 2)
    assert client.received == [{"type": "updateRequired", "requiredVersion": 3}] * 2
    assert not service.openai.requests
