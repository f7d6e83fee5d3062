"""What goes wrong is told in words, in a message: the connection lives, and the talk goes on."""

import json
from collections.abc import Iterator

import pytest

from scripts.fakes.conversation import Speech
from scripts.fakes.faults import Fault
from scripts.fakes.openai import Scripted
from tests.functions.chat.own_chat import Talk, own_chat
from tests.functions.chat.talker import NEW, OLD, connected, reminders

SORRY = "I cannot be reached at the moment. Please try again in a few minutes."
WORDS = "SECRET-words before it"
BOTH_HUBS = pytest.mark.parametrize("path", [OLD, NEW])
FAULTS = {
    "overloaded": Fault(429, headers={"Retry-After": "37"}),
    "broken": Fault(500),
    "our key is refused": Fault(401, b'{"error": {"message": "SECRET-key"}}'),
    "no connection": Fault(is_cut=True),
    "rubbish": Fault(200, b"<html>SECRET-page"),
}
SPEECHES = {
    "filtered": Scripted(Speech(WORDS), finish_reason="content_filter"),
    "a plan without room": Scripted(Speech(WORDS, "show_plan", "{"), finish_reason="length"),
}
UNFIT = Scripted(Speech(WORDS, "show_plan", json.dumps({"name": "SECRET-plan", "sessions": []})))


@BOTH_HUBS
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_model_that_is_down_is_told_in_a_message(
    talk: Talk, path: str, fault: Fault
) -> None:
    talk.server.faults.append(fault)
    async with connected(talk, path) as user:
        assert await user.say("SECRET-one") == SORRY
        assert await user.say("SECRET-two") not in ("", SORRY)
    # The user is asked to say it again; and our words are none of the coach's.
    assert reminders(talk) == [("user", "SECRET-two")]


@BOTH_HUBS
@pytest.mark.parametrize("speech", SPEECHES.values(), ids=SPEECHES)
async def test_what_was_said_stays_before_what_went_wrong(
    talk: Talk, path: str, speech: Scripted
) -> None:
    talk.openai.script.append(speech)
    async with connected(talk, path) as user:
        assert await user.say("SECRET-one") == f"{WORDS}\n\n{SORRY}"
        await user.say("SECRET-two")
    assert reminders(talk)[1] == ("assistant", WORDS)


@BOTH_HUBS
async def test_a_plan_that_cannot_be_mended_is_told_once(talk: Talk, path: str) -> None:
    talk.openai.script += [UNFIT, Scripted(Speech("", "show_plan", "{}"))]
    async with connected(talk, path) as user:
        assert await user.say("SECRET-one") == f"{WORDS}\n\n{SORRY}"
        assert await user.say("SECRET-two") != SORRY
    assert len(talk.openai.requests) == 3


@BOTH_HUBS
async def test_an_introduction_that_fails_is_told_and_its_locale_is_kept(
    talk: Talk, path: str
) -> None:
    talk.server.faults.append(Fault(500))
    async with connected(talk, path) as user:
        await user.introduce("de-DE")
        assert user.texts == [SORRY]
        await user.say("SECRET-hello")
    assert "locale: de-DE." in talk.openai.requests[-1]["messages"][0]["content"]


@pytest.fixture(scope="module")
def impatient() -> Iterator[Talk]:
    with own_chat(OPENAI_SILENCE_S="0.3") as talk:
        yield talk


@BOTH_HUBS
async def test_a_model_that_falls_silent_is_told_in_a_message(impatient: Talk, path: str) -> None:
    impatient.openai.script.append(Scripted(Speech(WORDS), silent_after=3))
    async with connected(impatient, path) as user:
        words, _, sorry = (await user.say("SECRET-one")).rpartition("\n\n")
    assert sorry == SORRY
    assert WORDS.startswith(words)


@BOTH_HUBS
async def test_a_model_that_breaks_off_is_told_after_its_words(talk: Talk, path: str) -> None:
    talk.openai.script.append(Scripted(Speech(WORDS), cut_after=3))
    async with connected(talk, path) as user:
        words, _, sorry = (await user.say("SECRET-one")).rpartition("\n\n")
        assert sorry == SORRY
        assert WORDS.startswith(words)
        assert await user.say("SECRET-two") not in ("", SORRY)
    # The last words before a break may be lost.
    heard = [("assistant", words)] if words else []
    assert reminders(talk) == [("user", "SECRET-one"), *heard, ("user", "SECRET-two")]


@BOTH_HUBS
async def test_the_fault_of_one_is_not_the_others(talk: Talk, path: str) -> None:
    async with connected(talk, path) as ann, connected(talk, path) as ben:
        talk.server.faults.append(Fault(500))
        assert await ann.say("SECRET-ann") == SORRY
        assert await ben.say("SECRET-ben") != SORRY
