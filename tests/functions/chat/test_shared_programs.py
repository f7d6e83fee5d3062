"""Shared programs: their links are kept, and the user learns what does not fit into the context."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from scripts.fakes.conversation import Speech
from scripts.fakes.exercises import WORKOUTS
from scripts.fakes.openai import Scripted
from tests.functions.chat.chat_service import ChatService, run_chat
from tests.functions.chat.hub_user import (
    HUB_V1,
    HUB_V2,
    connect_user,
    prompt_messages,
    system_prompt,
)

BOTH_HUBS = pytest.mark.parametrize("path", [HUB_V1, HUB_V2], ids=["2025", "2026"])
OWN_LINK, INVENTED_LINK = "http://example.org/squat?a=1&b=2", "https://example.org/invented"
PROGRAM_CHARACTERS = 256 * 1024
READ_PART = re.compile(r"Your message is too long for me: I read the first (\d\d?) % of it\.")


@pytest.fixture(scope="module")
def less_room() -> Iterator[ChatService]:
    """A chat whose model has a small context."""
    with run_chat(OPENAI_CONTEXT_TOKENS="24000", OPENAI_MAX_TOKENS="12000") as service:
        yield service


@pytest.fixture
def small(less_room: ChatService) -> Iterator[ChatService]:
    yield less_room
    less_room.reset_model()


def plan_with(path: str, links: list[str], sessions: int = 1) -> Scripted:
    """Return a plan in which each exercise has one of the links."""
    exercise = WORKOUTS[0][1][0]
    content: dict[str, Any] = (
        exercise.as_json(imperial=False)
        if path == HUB_V1
        else exercise.as_blueprint(imperial=False, superset=False)
    )
    exercises = [{**content, "link": link} for link in links]
    session = {"name": "SECRET-day", "exercises": exercises, "notes": ""}
    plan = {"name": "SECRET-plan", "description": "", "sessions": [session] * sessions}
    return Scripted(Speech("SECRET-Here.", "show_plan", json.dumps(plan)))


def links_of(message: dict[str, Any]) -> list[str]:
    sessions = (message.get("plan") or message["blueprint"])["sessions"]
    return [exercise["link"] for session in sessions for exercise in session["exercises"]]


def program(unit: str) -> str:
    """Return a shared program of 256 Ki characters."""
    beginning = "SECRET-program: "
    return (beginning + unit * PROGRAM_CHARACTERS)[:PROGRAM_CHARACTERS]


@BOTH_HUBS
async def test_links_of_the_user_are_kept(service: ChatService, path: str) -> None:
    service.openai.script.append(plan_with(path, [OWN_LINK, INVENTED_LINK, "", OWN_LINK]))
    shared = json.dumps({"name": "SECRET", "link": OWN_LINK})
    async with connect_user(service, path) as user:
        await user.send_message(f"SECRET-my program: {shared}")
        assert links_of(user.plans[-1]) == [OWN_LINK, "", "", OWN_LINK]
        # Also an incomplete plan never shows a link that the model made up.
        assert not any(INVENTED_LINK in links_of(each) for each in user.plans)
        # A link outlasts its message.
        service.openai.script += [*[Scripted(Speech("SECRET"))] * 11, plan_with(path, [OWN_LINK])]
        for _ in range(12):
            await user.send_message("SECRET-more")
        assert links_of(user.plans[-1]) == [OWN_LINK]
        await user.invoke("RestartChat")
        service.openai.script.append(plan_with(path, [OWN_LINK]))
        await user.send_message("SECRET-anew")
        assert links_of(user.plans[-1]) == [""]
    assert "Keep the links of their own plan" in system_prompt(service)


@BOTH_HUBS
async def test_program_of_256_kib_stays_in_the_history(service: ChatService, path: str) -> None:
    text = program("squat 3 x 5\n")
    async with connect_user(service, path) as user:
        service.openai.script += [Scripted(Speech("SECRET-reply"))] * 13
        assert await user.send_message(text) == "SECRET-reply"
        for _ in range(12):
            assert await user.send_message("SECRET-more") == "SECRET-reply"
    messages = prompt_messages(service)
    assert messages[0] == ("user", text)
    assert len(messages) == 21


@BOTH_HUBS
async def test_user_learns_which_part_was_read(service: ChatService, path: str) -> None:
    """Such characters have three bytes, so a quarter of a million exceeds the context."""
    text = program("漢")
    service.openai.script += [Scripted(Speech("SECRET-a reply of a few chunks"))] * 2
    async with connect_user(service, path) as user:
        reply = await user.send_message(text)
        found = READ_PART.match(reply)
        assert found is not None
        assert reply == f"{found[0]}\n\nSECRET-a reply of a few chunks"
        assert user.texts[0].startswith(found[0])
        assert all(later.startswith(earlier) for earlier, later in pairwise(user.texts))
        [(role, sent)] = prompt_messages(service)
        part, note = sent.split("\n\n")
        assert role == "user"
        assert text.startswith(part)
        assert int(found[1]) == 100 * len(part) // len(text) > 30
        assert f"the first {len(part)} of {len(text)} characters" in note
        # Once is enough.
        assert await user.send_message("SECRET-more") == "SECRET-a reply of a few chunks"
    [(_, sent_again), reply_in_history, last] = prompt_messages(service)
    assert text.startswith(sent_again.split("\n\n")[0])
    assert reply_in_history == ("assistant", "SECRET-a reply of a few chunks")
    assert last == ("user", "SECRET-more")


@BOTH_HUBS
async def test_user_learns_that_a_plan_is_too_long(small: ChatService, path: str) -> None:
    small.openai.script += [plan_with(path, [""] * 6, 30), *[Scripted(Speech("SECRET-bye"))] * 2]
    async with connect_user(small, path) as user:
        assert await user.send_message("SECRET-a plan") == "SECRET-Here."
        reply = await user.send_message("SECRET-change it")
        notice, rest = reply.split("\n\n")
        found = re.match(r"The plan is too long for me: I remember the first (\d+) of", notice)
        assert found is not None
        assert notice.startswith(f"{found[0]} its 30 sessions.")
        assert rest == "SECRET-bye"
        called, responded, _last = small.openai.requests[-1]["messages"][1:]
        arguments = json.loads(called["tool_calls"][0]["function"]["arguments"])
        assert len(arguments["sessions"]) == int(found[1]) < 30
        assert "It has 30 sessions" in responded["content"]
        assert await user.send_message("SECRET-thanks") == "SECRET-bye"


@BOTH_HUBS
async def test_user_learns_that_the_beginning_is_gone(small: ChatService, path: str) -> None:
    small.openai.script += [Scripted(Speech("SECRET-reply"))] * 3
    async with connect_user(small, path) as user:
        assert await user.send_message("SECRET-" + "x" * 20_000) == "SECRET-reply"
        reply = await user.send_message("SECRET-" + "y" * 27_000)
        assert reply.endswith(".\n\nSECRET-reply")
        assert "too long for me" in reply
        assert await user.send_message("SECRET-more") == "SECRET-reply"


@BOTH_HUBS
async def test_notice_is_kept_in_an_apology(small: ChatService, path: str) -> None:
    small.openai.script.append(Scripted(Speech("SECRET-reply"), cut_after=0))
    async with connect_user(small, path) as user:
        notice, apology = (await user.send_message(program("x"))).split("\n\n")
        assert READ_PART.fullmatch(notice)
        assert apology.startswith("I cannot be reached")


@BOTH_HUBS
async def test_conversation_that_no_model_reads_is_an_apology(
    small: ChatService, path: str
) -> None:
    small.openai.context_tokens = 10
    async with connect_user(small, path) as user:
        reply = await user.send_message("SECRET-one")
        assert reply == "Our conversation is too long for me. Please begin a new one."
        small.openai.context_tokens = None
        assert await user.send_message("SECRET-two")
