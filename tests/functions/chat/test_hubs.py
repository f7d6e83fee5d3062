"""The methods of both hubs, as a client calls them that speaks in raw frames."""

from itertools import pairwise
from typing import Any

import pytest

from scripts.fakes.conversation import Speech
from scripts.fakes.openai import Scripted
from shared.planner.prompts import INTRODUCE
from tests.functions.chat.own_chat import Talk
from tests.functions.chat.talker import NEW, OLD, Talker, connected, instructions, reminders
from tests.loopback import until

SLOWLY = 50
LONG = "SECRET-reply " + "".join(f"word {number}, " for number in range(300))
EVERY_ADDRESS = pytest.mark.parametrize("path", [OLD, NEW, f"/v2{OLD}", f"/v2{NEW}"])
BOTH_HUBS = pytest.mark.parametrize("path", [OLD, NEW])


async def begun(talk: Talk, user: Talker, text: str) -> str:
    """Let a long and slow reply begin; return the call's id once some words have come."""
    talk.openai.tokens_per_s = SLOWLY
    talk.openai.script.append(Scripted(Speech(LONG)))
    call_id = await user.begin_to_say(text)
    heard = len(user.texts)
    while len(user.texts) < heard + 3:
        await user.receive()
    return call_id


@EVERY_ADDRESS
async def test_the_coach_introduces_itself(talk: Talk, path: str) -> None:
    async with connected(talk, path) as user:
        await user.introduce("de-DE")
    assert user.texts
    assert all(later.startswith(earlier) for earlier, later in pairwise(user.texts))
    assert reminders(talk) == [("user", INTRODUCE)]
    assert "locale: de-DE." in instructions(talk)


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


@pytest.mark.parametrize(("wanted", "kept"), LOCALES.items(), ids=map(ascii, LOCALES))
@BOTH_HUBS
async def test_a_locale_that_is_none_is_australian(
    talk: Talk, path: str, wanted: str, kept: str
) -> None:
    async with connected(talk, path) as user:
        await user.introduce(wanted)
        await user.say("SECRET-hello")
    assert f"locale: {kept}." in instructions(talk)


@pytest.mark.parametrize(
    ("unit", "kept"),
    [
        ("pounds", "unit for weights: pounds (lb)."),
        ("Pounds", "unit for weights: pounds (lb)."),
        ("kilograms", "unit for weights: kilograms (kg)."),
        ("stones", None),
        ("", None),
    ],
)
async def test_the_unit_for_weights_is_kept_if_it_is_one(
    talk: Talk, unit: str, kept: str | None
) -> None:
    async with connected(talk, NEW) as user:
        await user.introduce("en-AU", unit)
        await user.say("SECRET-hello")
    lines = [line for line in instructions(talk).splitlines() if "unit for weights:" in line]
    assert [line.partition("user's ")[2] for line in lines] == ([kept] if kept else [])


@BOTH_HUBS
async def test_a_reply_that_is_stopped_ends_and_the_next_is_given(talk: Talk, path: str) -> None:
    talk.openai.script.append(Scripted(Speech("SECRET-first words")))
    async with connected(talk, path) as user:
        await user.say("SECRET-before")
        call_id = await begun(talk, user, "SECRET-one")
        await user.tell("StopInProgress")
        await user.ended(call_id)
        await until(lambda: talk.openai.talking == 0)
        heard = user.texts[-1]
        talk.openai.script.append(Scripted(Speech("SECRET-answer")))
        assert await user.say("SECRET-two") == "SECRET-answer"
        # Nothing of a reply comes after its end.
        assert all("SECRET-answer".startswith(text) for text in user.texts)
    [*_before, one, cut_short, two] = reminders(talk)
    assert (one, two) == (("user", "SECRET-one"), ("user", "SECRET-two"))
    assert cut_short == ("assistant", heard)
    assert heard != LONG
    assert LONG.startswith(heard)


@BOTH_HUBS
async def test_to_stop_nothing_is_nothing(talk: Talk, path: str) -> None:
    async with connected(talk, path) as user:
        await user.call("StopInProgress")
        await user.tell("StopInProgress")
        assert await user.say("SECRET-one")
        await user.call("StopInProgress")
        assert await user.say("SECRET-two")
    assert [text for role, text in reminders(talk) if role == "user"] == [
        "SECRET-one",
        "SECRET-two",
    ]


@BOTH_HUBS
async def test_a_newer_message_ends_the_reply_to_an_older_one(talk: Talk, path: str) -> None:
    async with connected(talk, path) as user:
        older = await begun(talk, user, "SECRET-one")
        talk.openai.script.append(Scripted(Speech("SECRET-answer")))
        newer = await user.begin_to_say("SECRET-two")
        await user.ended(newer)
        assert user.texts[-1] == "SECRET-answer"
        # The older one has ended before the newer answer begins.
        assert list(user.completed) == [older, newer]
        await user.ended(older)
    one, cut_short, two = reminders(talk)
    assert (one, two) == (("user", "SECRET-one"), ("user", "SECRET-two"))
    assert cut_short[0] == "assistant"
    assert LONG.startswith(cut_short[1])
    assert cut_short[1] != LONG


@BOTH_HUBS
async def test_of_many_messages_at_once_all_complete_and_the_last_is_answered(
    talk: Talk, path: str
) -> None:
    def echo(asked: dict[str, Any]) -> Speech:
        return Speech(f"{asked['messages'][-1]['content']}, you say")

    talk.openai.compose, composed = echo, talk.openai.compose
    try:
        async with connected(talk, path) as user:
            calls = [await user.begin_to_say(f"SECRET-{number}") for number in range(5)]
            for call_id in calls:
                await user.ended(call_id)
            assert user.texts[-1] == "SECRET-4, you say"
    finally:
        talk.openai.compose = composed
    await until(lambda: talk.openai.talking == 0)


@BOTH_HUBS
async def test_a_restart_during_a_reply_ends_and_forgets_it(talk: Talk, path: str) -> None:
    async with connected(talk, path) as user:
        await user.introduce("de-DE")
        call_id = await begun(talk, user, "SECRET-one")
        await user.tell("RestartChat")
        await user.ended(call_id)
        assert user.texts[-1] != LONG
        await until(lambda: talk.openai.talking == 0)
        talk.openai.tokens_per_s = 0
        await user.say("SECRET-two")
        assert reminders(talk) == [("user", "SECRET-two")]
        assert "locale: de-DE." in instructions(talk)


@BOTH_HUBS
async def test_a_message_right_after_a_restart_is_the_first_of_a_new_talk(
    talk: Talk, path: str
) -> None:
    async with connected(talk, path) as user:
        await user.say("SECRET-one")
        older = await begun(talk, user, "SECRET-two")
        await user.tell("RestartChat")
        talk.openai.script.append(Scripted(Speech("SECRET-answer")))
        newer = await user.begin_to_say("SECRET-three")
        await user.ended(older)
        assert LONG not in user.texts
        await user.ended(newer)
        assert user.texts[-1] == "SECRET-answer"
    assert reminders(talk) == [("user", "SECRET-three")]


@BOTH_HUBS
async def test_two_clients_do_not_mix(talk: Talk, path: str) -> None:
    async with connected(talk, path) as ann, connected(talk, path) as ben:
        call_id = await begun(talk, ann, "SECRET-ann")
        talk.openai.script.append(Scripted(Speech("SECRET-for ben")))
        assert await ben.say("SECRET-ben") == "SECRET-for ben"
        assert reminders(talk) == [("user", "SECRET-ben")]
        await ben.call("StopInProgress")
        await ben.call("RestartChat")
        assert not ann.completed
        talk.openai.tokens_per_s = 0
        await ann.ended(call_id)
        assert ann.texts[-1] == LONG
        await ben.say("SECRET-ben again")
        assert reminders(talk) == [("user", "SECRET-ben again")]
        await ann.say("SECRET-ann again")
        assert reminders(talk)[:2] == [("user", "SECRET-ann"), ("assistant", LONG)]


async def test_a_talk_ends_with_its_connection(talk: Talk) -> None:
    async with connected(talk, NEW) as user:
        await begun(talk, user, "SECRET-one")
    await until(lambda: talk.openai.talking == talk.running.chat.connected == 0)
    talk.openai.tokens_per_s = 0
    async with connected(talk, NEW) as user:
        await user.say("SECRET-two")
    assert reminders(talk) == [("user", "SECRET-two")]
