"""The daily limit of messages of a subscriber, on both hubs together."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import uuid4

import httpx
import pytest

from scripts.fakes.faults import Fault
from shared.errors import RateLimited
from shared.store.database import Database
from shared.store.quotas import Quotas
from tests.functions.chat.chat_service import ChatService, run_chat
from tests.functions.chat.hub_user import HUB_V1, HUB_V2, HubUser, connect_user
from tests.loopback import until
from tests.shared.store.faulty_databases import Unreachable

LIMIT = 3
LIMIT_REACHED = (
    "You have reached the limit of messages per day. You can send the next one in 24 hours."
)
APOLOGY = "I cannot be reached at the moment. Please try again in a few minutes."


@pytest.fixture
def limited() -> Iterator[ChatService]:
    """A chat with a low daily limit."""
    with run_chat(CHAT_MESSAGES_WEB=str(LIMIT), RATE_LIMIT_WEB="1") as service:
        yield service


def quota_key(service: ChatService, bucket: str) -> str:
    """Return the key under which the subscriber's messages are counted."""
    token = service.token.removeprefix("Web ")
    return f"{bucket}-web-{sha256(token.encode()).hexdigest()}"


async def is_full(
    database: Database, service: ChatService, bucket: str, limit: int, at: datetime | None = None
) -> bool:
    """Return whether the limit is reached. Counts one message if it is not."""
    try:
        await Quotas(database).take(quota_key(service, bucket), limit, at or datetime.now(UTC))
    except RateLimited:
        return True
    return False


async def test_limit_applies_across_connections_and_hubs(
    limited: ChatService,
) -> None:
    async with connect_user(limited, HUB_V1) as old, connect_user(limited, HUB_V2) as new:
        await old.introduce()
        assert LIMIT_REACHED not in old.texts
        assert await new.send_message("SECRET-two") not in ("", LIMIT_REACHED)
        assert await old.send_message("SECRET-three") not in ("", LIMIT_REACHED)
        assert len(limited.openai.requests) == LIMIT
        for user in (old, new):
            assert await user.send_message("SECRET-four") == LIMIT_REACHED
            assert user.texts == [LIMIT_REACHED]
        await new.introduce()
        assert new.texts[-1] == LIMIT_REACHED
    async with connect_user(limited, HUB_V2) as again:
        assert await again.send_message("SECRET-five") == LIMIT_REACHED
    assert len(limited.openai.requests) == LIMIT


async def test_user_has_one_limit_on_all_connections(http: httpx.AsyncClient) -> None:
    """A connection with the API key, one with a ticket of the key, and one with another key."""
    user, key, other_key = uuid4(), f"SECRET-{uuid4()}", f"SECRET-{uuid4()}"
    with run_chat(API_KEYS=f"{user}={key},{user}={other_key}", CHAT_MESSAGES_MOBILE="2") as service:
        negotiate = f"{service.server.address}{HUB_V2}/negotiate?negotiateVersion=1"
        response = await http.post(negotiate, headers={"X-API-Key": key})
        ticket = response.json()["connectionToken"]
        replies = [
            await reply(service, HUB_V2, {"X-API-Key": key}),
            await reply(service, f"{HUB_V2}?id={ticket}", {}),
            await reply(service, HUB_V2, {"X-API-Key": other_key}),
        ]
    assert [text == LIMIT_REACHED for text in replies] == [False, False, True]


async def reply(service: ChatService, path: str, headers: dict[str, str]) -> str:
    """Return the reply to a message on a new connection."""
    async with service.server.connect_to_hub(path, headers=headers) as client:
        return await HubUser(client, is_new=True).send_message("SECRET-hello")


async def test_limit_holds_for_concurrent_messages(limited: ChatService) -> None:
    async def reply(number: int) -> str:
        async with connect_user(limited, HUB_V2) as user:
            return await user.send_message(f"SECRET-{number}")

    replies = await asyncio.gather(*map(reply, range(2 * LIMIT)))
    assert replies.count(LIMIT_REACHED) == LIMIT
    assert len(limited.openai.requests) == LIMIT


async def test_rejected_message_is_never_sent_to_the_model(
    database: Database, limited: ChatService
) -> None:
    for _ in range(LIMIT):
        assert not await is_full(database, limited, "chat", LIMIT)
    async with connect_user(limited, HUB_V2) as user:
        assert await user.send_message("SECRET-one") == LIMIT_REACHED
        await user.send("RestartChat")
        await user.invoke("StopInProgress")
    await until(lambda: limited.server.handlers.connection_count == 0)
    assert not limited.openai.requests


async def test_limit_ignores_plans_of_ai(database: Database, limited: ChatService) -> None:
    assert not await is_full(database, limited, "ai", 1)
    assert await is_full(database, limited, "ai", 1)
    async with connect_user(limited, HUB_V2) as user:
        for number in range(LIMIT):
            assert await user.send_message(f"SECRET-{number}") != LIMIT_REACHED
    assert await is_full(database, limited, "chat", LIMIT)


async def test_messages_do_not_count_as_plans(database: Database, limited: ChatService) -> None:
    async with connect_user(limited, HUB_V2) as user:
        await user.send_message("SECRET-one")
    assert not await is_full(database, limited, "ai", 1)


async def test_invalid_and_other_invocations_are_not_counted(
    database: Database, limited: ChatService
) -> None:
    async with connect_user(limited, HUB_V2) as user:
        for version in (2, 0, -1):
            await user.invoke("SendMessage", "SECRET-old", version)
            await user.invoke("Introduce", "en-AU", version, "kilograms")
        await user.invoke("RestartChat")
        await user.invoke("StopInProgress")
        for invalid in ((), ("SECRET-text",), (5, 3), ("SECRET-text", "3")):
            await receive_error(user, "SendMessage", *invalid)
        await receive_error(user, "GetQuota")
        for number in range(LIMIT):
            assert await user.send_message(f"SECRET-{number}") != LIMIT_REACHED
    assert len(limited.openai.requests) == LIMIT
    assert await is_full(database, limited, "chat", LIMIT)


async def receive_error(user: HubUser, target: str, *arguments: object) -> None:
    """Invoke a method that completes with an error."""
    invocation_id = await user.begin(target, *arguments)
    while invocation_id not in user.completed:
        await user.receive()
    assert user.completed[invocation_id].keys() == {"type", "error"}


async def test_message_is_counted_when_its_reply_fails(
    database: Database, limited: ChatService
) -> None:
    async with connect_user(limited, HUB_V2) as user:
        for _ in range(LIMIT):
            limited.model_server.faults.append(Fault(500))
            assert await user.send_message("SECRET-text") == APOLOGY
    assert await is_full(database, limited, "chat", LIMIT)


@pytest.mark.parametrize(
    ("wait", "waiting_time"),
    [
        (timedelta(hours=23, minutes=30), "24 hours"),
        (timedelta(hours=4, minutes=30), "5 hours"),
        (timedelta(minutes=29, seconds=30), "30 minutes"),
    ],
    ids=["a day", "some hours", "some minutes"],
)
async def test_rejection_states_the_waiting_time(
    database: Database, limited: ChatService, wait: timedelta, waiting_time: str
) -> None:
    oldest = datetime.now(UTC) - timedelta(hours=24) + wait
    for later in range(LIMIT):
        at = oldest + later * timedelta(seconds=1)
        assert not await is_full(database, limited, "chat", LIMIT, at)
    async with connect_user(limited, HUB_V2) as user:
        assert await user.send_message("SECRET-one") == LIMIT_REACHED.replace(
            "24 hours", waiting_time
        )


@pytest.mark.parametrize(("when_unavailable", "passes"), [("refuse", False), ("allow", True)])
async def test_uncounted_message_is_rejected_or_passes(
    when_unavailable: str, *, passes: bool
) -> None:
    with run_chat(Unreachable(), RATE_LIMIT_WHEN_UNAVAILABLE=when_unavailable) as service:
        async with connect_user(service, HUB_V2) as user:
            reply = await user.send_message("SECRET-one")
            assert (reply != APOLOGY) == passes
            assert reply
            await user.send_message("SECRET-two")
        assert len(service.openai.requests) == (2 if passes else 0)
