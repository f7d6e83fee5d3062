"""Failures of the model: the reply ends with an apology, and the conversation continues."""

import json
from collections.abc import Iterator

import pytest

from scripts.fakes.conversation import Speech
from scripts.fakes.faults import Fault
from scripts.fakes.openai import Scripted
from tests.functions.chat.chat_service import ChatService, run_chat
from tests.functions.chat.hub_user import HUB_V1, HUB_V2, connect_user, prompt_messages

APOLOGY = "I cannot be reached at the moment. Please try again in a few minutes."
PARTIAL_REPLY = "SECRET-text before the apology"
BOTH_HUBS = pytest.mark.parametrize("path", [HUB_V1, HUB_V2])
FAULTS = {
    "overloaded": Fault(429, headers={"Retry-After": "37"}),
    "broken": Fault(500),
    "our key is refused": Fault(401, b'{"error": {"message": "SECRET-key"}}'),
    "no connection": Fault(is_cut=True),
    "malformed": Fault(200, b"<html>SECRET-page"),
}
TOO_LONG = "That is too long for me. Please ask for less, for example for fewer weeks."
SPEECHES = {
    "filtered": (Scripted(Speech(PARTIAL_REPLY), finish_reason="content_filter"), APOLOGY),
    "a plan without room": (
        Scripted(Speech(PARTIAL_REPLY, "show_plan", "{"), finish_reason="length"),
        TOO_LONG,
    ),
}
INVALID_PLAN = Scripted(
    Speech(PARTIAL_REPLY, "show_plan", json.dumps({"name": "SECRET-plan", "sessions": []}))
)


@BOTH_HUBS
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_reply_is_an_apology_when_the_model_fails(
    service: ChatService, path: str, fault: Fault
) -> None:
    service.model_server.faults.append(fault)
    async with connect_user(service, path) as user:
        assert await user.send_message("SECRET-one") == APOLOGY
        assert await user.send_message("SECRET-two") not in ("", APOLOGY)
    # The history has neither the failed message nor the apology.
    assert prompt_messages(service) == [("user", "SECRET-two")]


@BOTH_HUBS
@pytest.mark.parametrize(("speech", "apology"), SPEECHES.values(), ids=SPEECHES)
async def test_apology_follows_the_partial_reply(
    service: ChatService, path: str, speech: Scripted, apology: str
) -> None:
    service.openai.script.append(speech)
    async with connect_user(service, path) as user:
        assert await user.send_message("SECRET-one") == f"{PARTIAL_REPLY}\n\n{apology}"
        await user.send_message("SECRET-two")
    assert prompt_messages(service)[1] == ("assistant", PARTIAL_REPLY)


@BOTH_HUBS
async def test_apology_follows_one_correction_of_a_plan(service: ChatService, path: str) -> None:
    service.openai.script += [INVALID_PLAN, Scripted(Speech("", "show_plan", "{}"))]
    async with connect_user(service, path) as user:
        assert await user.send_message("SECRET-one") == f"{PARTIAL_REPLY}\n\n{APOLOGY}"
        assert await user.send_message("SECRET-two") != APOLOGY
    assert len(service.openai.requests) == 3


@BOTH_HUBS
async def test_locale_is_kept_when_the_introduction_fails(service: ChatService, path: str) -> None:
    service.model_server.faults.append(Fault(500))
    async with connect_user(service, path) as user:
        await user.introduce("de-DE")
        assert user.texts == [APOLOGY]
        await user.send_message("SECRET-hello")
    assert "locale: de-DE." in service.openai.requests[-1]["messages"][0]["content"]


@pytest.fixture(scope="module")
def short_timeout() -> Iterator[ChatService]:
    with run_chat(OPENAI_SILENCE_S="0.3") as service:
        yield service


@BOTH_HUBS
async def test_apology_follows_a_silent_model(short_timeout: ChatService, path: str) -> None:
    short_timeout.openai.script.append(Scripted(Speech(PARTIAL_REPLY), silent_after=3))
    async with connect_user(short_timeout, path) as user:
        partial_reply, _, apology = (await user.send_message("SECRET-one")).rpartition("\n\n")
    assert apology == APOLOGY
    assert PARTIAL_REPLY.startswith(partial_reply)


@BOTH_HUBS
async def test_apology_follows_a_cut_reply(service: ChatService, path: str) -> None:
    service.openai.script.append(Scripted(Speech(PARTIAL_REPLY), cut_after=3))
    async with connect_user(service, path) as user:
        partial_reply, _, apology = (await user.send_message("SECRET-one")).rpartition("\n\n")
        assert apology == APOLOGY
        assert PARTIAL_REPLY.startswith(partial_reply)
        assert await user.send_message("SECRET-two") not in ("", APOLOGY)
    # The last chunks before a cut may be lost.
    partial = [("assistant", partial_reply)] if partial_reply else []
    assert prompt_messages(service) == [
        ("user", "SECRET-one"),
        *partial,
        ("user", "SECRET-two"),
    ]


@BOTH_HUBS
async def test_failure_affects_one_user_only(service: ChatService, path: str) -> None:
    async with connect_user(service, path) as ann, connect_user(service, path) as ben:
        service.model_server.faults.append(Fault(500))
        assert await ann.send_message("SECRET-ann") == APOLOGY
        assert await ben.send_message("SECRET-ben") != APOLOGY
