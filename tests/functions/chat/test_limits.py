"""How many messages of a subscriber pass in a day, in both hubs together."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from scripts.fakes.faults import Fault
from scripts.local.ports import HOST
from shared.errors import RateLimited
from shared.store.database import Database
from shared.store.quotas import Quotas
from shared.store.settings import DatabaseSettings
from tests.functions.chat.own_chat import Talk, own_chat
from tests.functions.chat.talker import NEW, OLD, Talker, connected
from tests.loopback import until

LIMIT = 3
FULL = "That is all that I can answer in a day. The next message passes in 24 hours."
SORRY = "I cannot be reached at the moment. Please try again in a few minutes."
NOBODY_LISTENS = f"{HOST}:9"


@pytest.fixture
def few() -> Iterator[Talk]:
    """A chat in which a few messages a day pass."""
    with own_chat(CHAT_MESSAGES_WEB=str(LIMIT), RATE_LIMIT_WEB="1") as talk:
        yield talk


def key(talk: Talk, bucket: str) -> str:
    """Return the name under which the messages of the chat's subscriber are counted."""
    token = talk.token.removeprefix("Web ")
    return f"{bucket}-web-{sha256(token.encode()).hexdigest()}"


async def is_full(
    database: Database, talk: Talk, bucket: str, limit: int, at: datetime | None = None
) -> bool:
    """Whether so many are counted already; if not, there is one more after it."""
    try:
        await Quotas(database).take(key(talk, bucket), limit, at or datetime.now(UTC))
    except RateLimited:
        return True
    return False


async def test_exactly_so_many_pass_whatever_the_connection_and_the_hub(few: Talk) -> None:
    async with connected(few, OLD) as old, connected(few, NEW) as new:
        await old.introduce()
        assert FULL not in old.texts
        assert await new.say("SECRET-two") not in ("", FULL)
        assert await old.say("SECRET-three") not in ("", FULL)
        assert len(few.openai.requests) == LIMIT
        for user in (old, new):
            assert await user.say("SECRET-four") == FULL
            assert user.texts == [FULL]
        await new.introduce()
        assert new.texts[-1] == FULL
    async with connected(few, NEW) as again:
        assert await again.say("SECRET-five") == FULL
    assert len(few.openai.requests) == LIMIT


async def test_exactly_so_many_pass_of_those_that_come_at_once(few: Talk) -> None:
    async def answer(number: int) -> str:
        async with connected(few, NEW) as user:
            return await user.say(f"SECRET-{number}")

    answers = await asyncio.gather(*map(answer, range(2 * LIMIT)))
    assert answers.count(FULL) == LIMIT
    assert len(few.openai.requests) == LIMIT


async def test_what_did_not_pass_is_not_sent_later_either(database: Database, few: Talk) -> None:
    for _ in range(LIMIT):
        assert not await is_full(database, few, "chat", LIMIT)
    async with connected(few, NEW) as user:
        assert await user.say("SECRET-one") == FULL
        await user.tell("RestartChat")
        await user.call("StopInProgress")
    await until(lambda: few.running.chat.connected == 0)
    assert not few.openai.requests


async def test_messages_are_counted_apart_from_plans(database: Database, few: Talk) -> None:
    # What `ai` lets pass in a day is used up, and the chat does not care.
    assert not await is_full(database, few, "ai", 1)
    assert await is_full(database, few, "ai", 1)
    async with connected(few, NEW) as user:
        for number in range(LIMIT):
            assert await user.say(f"SECRET-{number}") != FULL
    assert await is_full(database, few, "chat", LIMIT)


async def test_messages_leave_the_count_of_plans_alone(database: Database, few: Talk) -> None:
    async with connected(few, NEW) as user:
        await user.say("SECRET-one")
    assert not await is_full(database, few, "ai", 1)


async def test_what_is_no_message_is_not_counted(database: Database, few: Talk) -> None:
    async with connected(few, NEW) as user:
        for version in (2, 0, -1):
            await user.call("SendMessage", "SECRET-old", version)
            await user.call("Introduce", "en-AU", version, "kilograms")
        await user.call("RestartChat")
        await user.call("StopInProgress")
        for wrong in ((), ("SECRET-text",), (5, 3), ("SECRET-text", "3")):
            await failed(user, "SendMessage", *wrong)
        await failed(user, "GetQuota")
        for number in range(LIMIT):
            assert await user.say(f"SECRET-{number}") != FULL
    assert len(few.openai.requests) == LIMIT
    assert await is_full(database, few, "chat", LIMIT)


async def failed(user: Talker, target: str, *arguments: object) -> None:
    """Call a method that fails."""
    call_id = await user.begin(target, *arguments)
    while call_id not in user.completed:
        await user.receive()
    assert user.completed[call_id].keys() == {"type", "error"}


async def test_a_message_whose_reply_fails_is_counted(database: Database, few: Talk) -> None:
    async with connected(few, NEW) as user:
        for _ in range(LIMIT):
            few.server.faults.append(Fault(500))
            assert await user.say("SECRET-text") == SORRY
    assert await is_full(database, few, "chat", LIMIT)


@pytest.mark.parametrize(
    ("wait", "told"),
    [
        (timedelta(hours=23, minutes=30), "24 hours"),
        (timedelta(hours=4, minutes=30), "5 hours"),
        (timedelta(minutes=29, seconds=30), "30 minutes"),
    ],
    ids=["a day", "some hours", "some minutes"],
)
async def test_who_has_to_wait_is_told_how_long(
    database: Database, few: Talk, wait: timedelta, told: str
) -> None:
    oldest = datetime.now(UTC) - timedelta(hours=24) + wait
    for later in range(LIMIT):
        at = oldest + later * timedelta(seconds=1)
        assert not await is_full(database, few, "chat", LIMIT, at)
    async with connected(few, NEW) as user:
        assert await user.say("SECRET-one") == FULL.replace("24 hours", told)


@pytest.mark.parametrize(("when_unavailable", "passes"), [("refuse", False), ("allow", True)])
async def test_a_message_that_cannot_be_counted_is_told_so_or_passes(
    when_unavailable: str, *, passes: bool
) -> None:
    impatient = DatabaseSettings(
        emulator_host=NOBODY_LISTENS, attempt_timeout_s=0.2, retry_for_s=0.2
    )
    database = Database(impatient)
    with own_chat(database, RATE_LIMIT_WHEN_UNAVAILABLE=when_unavailable) as talk:
        async with connected(talk, NEW) as user:
            answer = await user.say("SECRET-one")
            assert (answer != SORRY) == passes
            assert answer
            await user.say("SECRET-two")
        assert len(talk.openai.requests) == (2 if passes else 0)
