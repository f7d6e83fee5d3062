"""Concurrent writes of one user: they wait for each other, and none fails."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

import functions.events.main
import functions.users.main
from scripts.client.api import from_text, to_text
from scripts.client.person import Person
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.web.app import build_app
from tests.api_client import ApiClient
from tests.engines import parametrize_by_engine
from tests.functions.test_events import event, followed
from tests.functions.test_social import message
from tests.functions.test_users import profile

pytest_generate_tests = parametrize_by_engine

CONCURRENT_REQUESTS = 64


def follow_secret(person: Person, number: int) -> dict[str, Any]:
    return {**person.credentials, "followSecret": f"secret {number}"}


def shared_item(person: Person, number: int) -> dict[str, Any]:
    return {
        **person.credentials,
        "encryptedPayload": {
            "encryptedPayload": to_text(bytes([number])),
            "iv": {"value": to_text(b"i" * 16)},
        },
        "expiry": "2099-01-01T00:00:00Z",
    }


Body = Callable[[Person, int], dict[str, Any]]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v2/event", lambda person, _: event(person)),
        ("PUT", "/v2/user", lambda person, n: profile(person, encryptedName=bytes([n]))),
        ("PUT", "/v2/follow-secret", follow_secret),
        ("PUT", "/v2/inbox", lambda person, n: message(person, bytes([n]))),
        ("POST", "/v2/inbox", lambda person, _: person.credentials),
        ("POST", "/v2/shareditem", shared_item),
    ],
    ids=["events", "profiles", "follow secrets", "messages", "collections", "shared items"],
)
async def test_concurrent_writes_of_one_user_succeed(
    client: ApiClient, alice: Person, method: str, path: str, body: Body
) -> None:
    for number in range(3):
        await client.put("/v2/inbox", message(alice, bytes([number])))
    responses = await asyncio.gather(
        *(client.send(method, path, body(alice, number)) for number in range(CONCURRENT_REQUESTS))
    )
    assert Counter(response.status_code for response in responses) == {200: CONCURRENT_REQUESTS}


async def test_concurrent_inbox_reads_share_its_messages(client: ApiClient, alice: Person) -> None:
    sent = [f"message {number}".encode() for number in range(150)]
    for text in sent:
        await client.put("/v2/inbox", message(alice, text))
    responses = await asyncio.gather(
        *(client.post("/v2/inbox", alice.credentials) for _ in range(CONCURRENT_REQUESTS))
    )
    received = [
        from_text(chunk)
        for response in responses
        for each in response.json()["inboxMessages"]
        for chunk in each["encryptedMessage"]
    ]
    assert sorted(received) == sorted(sent)


@pytest.fixture
async def instances(settings: DatabaseSettings) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients of three instances of `users` and `events` in this process."""
    clients = []
    for _ in range(3):
        database = Database(settings)
        routes = [*functions.events.main.routes(database), *functions.users.main.routes(database)]
        transport = httpx.ASGITransport(build_app(routes))
        clients.append(httpx.AsyncClient(transport=transport, base_url="http://functions"))
    yield clients
    for client in clients:
        await client.aclose()


async def test_concurrent_events_are_stored_in_order_of_arrival(
    instances: list[httpx.AsyncClient], client: ApiClient, alice: Person
) -> None:
    secret = await alice.allow_follower()
    bodies = [event(alice) for _ in range(CONCURRENT_REQUESTS)]
    responses = await asyncio.gather(*(instances[0].put("/event", json=body) for body in bodies))
    assert {response.status_code for response in responses} == {200}
    feed = (await client.post("/v2/events", {"users": [followed(alice, secret)]})).json()["events"]
    assert [each["eventId"] for each in feed] == [body["eventId"] for body in bodies]
    assert len({each["timestamp"] for each in feed}) == CONCURRENT_REQUESTS


async def test_last_of_concurrent_profiles_is_stored(
    instances: list[httpx.AsyncClient], client: ApiClient, alice: Person
) -> None:
    bodies = [
        profile(alice, encryptedName=bytes([number])) for number in range(CONCURRENT_REQUESTS)
    ]
    responses = await asyncio.gather(*(instances[0].put("/user", json=body) for body in bodies))
    assert {response.status_code for response in responses} == {200}
    stored = (await client.get(f"/v2/user/{alice.id}")).json()
    assert stored["encryptedName"] == bodies[-1]["encryptedName"]


async def test_concurrent_instances_lose_no_event(
    instances: list[httpx.AsyncClient], client: ApiClient, alice: Person
) -> None:
    secret = await alice.allow_follower()
    bodies = [event(alice) for _ in range(CONCURRENT_REQUESTS)]
    responses = await asyncio.gather(
        *(instances[number % 3].put("/event", json=body) for number, body in enumerate(bodies))
    )
    assert Counter(response.status_code for response in responses) == {200: CONCURRENT_REQUESTS}
    feed = (await client.post("/v2/events", {"users": [followed(alice, secret)]})).json()["events"]
    assert Counter(each["eventId"] for each in feed) == Counter(body["eventId"] for body in bodies)


async def test_wrong_password_does_not_fail_concurrent_puts(
    instances: list[httpx.AsyncClient], alice: Person
) -> None:
    wrong = event(alice) | {"password": "wrong"}
    responses = await asyncio.gather(
        *(instances[0].put("/event", json=body) for body in (event(alice), wrong, event(alice)))
    )
    assert [response.status_code for response in responses] == [200, 401, 200]
