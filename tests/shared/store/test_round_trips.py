"""The exact calls to Firestore of every request, compared with the documentation's table."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

import functions.ai.main
from scripts.client.api import to_text
from scripts.fakes.revenuecat import SUBSCRIBER
from scripts.fakes.settings import WEB_KEY, local_services
from scripts.local.ports import url
from scripts.root import ROOT
from shared.clients.http import open_client
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.store.data_model import USERS
from shared.store.events import Events, NewEvent
from shared.store.settings import DatabaseSettings
from shared.store.users import Users
from shared.web.subscribers import SubscriberResources
from tests import stack
from tests.shared.store.counted_functions import (
    LONG_AGO,
    PLAN_REQUEST,
    QUERY,
    CountedFunctions,
    event,
    logged_requests,
    new_author,
    new_user_with_plan,
    profile,
    shared_item,
)
from tests.stored_documents import find_fields, update

READ, COMMIT = "BatchGetDocuments", "Commit"


@pytest.fixture(scope="module")
async def counted(settings: DatabaseSettings) -> AsyncIterator[CountedFunctions]:
    counted = CountedFunctions(settings)
    yield counted
    await counted.http.aclose()


@pytest.fixture(scope="module")
async def user(counted: CountedFunctions) -> dict[str, str]:
    return await counted.user()


async def test_round_trips_of_every_request_are_documented(
    counted: CountedFunctions, user: dict[str, str]
) -> None:
    secret = {**user, "followSecret": "secret"}
    message = {"toUserId": user["id"], "encryptedMessage": ["AAAA"]}
    item = await counted.call("POST", "/shareditem", shared_item(user))
    seen = {
        "POST /user/create": await counted.calls("POST", "/user/create", {}),
        "GET /user/{id}": await counted.calls("GET", f"/user/{user['id']}"),
        "GET /user/{lookup}": await counted.calls("GET", f"/user/{user['lookup']}"),
        "PUT /user": await counted.calls("PUT", "/user", profile(user)),
        "POST /users": await counted.calls("POST", "/users", {"ids": [user["id"]]}),
        "PUT /event": await counted.calls("PUT", "/event", event(user)),
        "PUT /follow-secret": await counted.calls("PUT", "/follow-secret", secret),
        "POST /follow-secret/delete": await counted.calls("POST", "/follow-secret/delete", secret),
        "PUT /inbox": await counted.calls("PUT", "/inbox", message),
        "POST /inbox": await counted.calls("POST", "/inbox", user),
        "POST /inbox, empty": await counted.calls("POST", "/inbox", user),
        "POST /shareditem": await counted.calls("POST", "/shareditem", shared_item(user)),
        "GET /shareditem/{id}": await counted.calls("GET", f"/shareditem/{item['id']}"),
    }
    assert seen == {
        "POST /user/create": [COMMIT],
        "GET /user/{id}": [READ],
        "GET /user/{lookup}": [QUERY],
        "PUT /user": [READ, COMMIT],
        "POST /users": [READ],
        "PUT /event": [READ, COMMIT],
        "PUT /follow-secret": [READ, COMMIT],
        "POST /follow-secret/delete": [READ, COMMIT],
        "PUT /inbox": [COMMIT],
        "POST /inbox": [READ, QUERY, COMMIT],
        "POST /inbox, empty": [READ, QUERY],
        "POST /shareditem": [READ, COMMIT],
        "GET /shareditem/{id}": [READ, READ],
    }
    for request, calls in seen.items():
        assert is_documented(f"`{request}`", len(calls)), request


async def test_round_trips_of_a_plan_are_documented(
    counted: CountedFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes = url(stack.current().fakes)
    for name, value in local_services({}, fakes).items():
        monkeypatch.setenv(name, value)
    async with open_client() as outgoing:
        secrets = Secrets(SecretSettings())
        resources = SubscriberResources(counted.database, outgoing, secrets)
        http = counted.serving(functions.ai.main.routes(resources))
        seen = await plans(counted, http)
    assert seen == {
        "first of a purchase": [READ, COMMIT, READ, COMMIT],
        "second of a purchase": [READ, COMMIT],
        "of the web": [READ, COMMIT],
    }
    for request in ("POST /ai/workout", "POST /ai/session"):
        assert is_documented(f"`{request}`", 2)


async def plans(counted: CountedFunctions, http: httpx.AsyncClient) -> dict[str, list[str]]:
    """Request plans; return the calls to Firestore of each request."""

    async def calls(purchase_token: str) -> list[str]:
        headers = {"Authorization": purchase_token}
        with counted.trips.counted() as calls, logged_requests() as lines:
            response = await http.post("/ai/session", json=PLAN_REQUEST, headers=headers)
        assert [fields["round_trips"] for fields in lines] == [len(calls)]
        assert response.status_code == 200, response.text
        return calls

    purchase = f"RevenueCat {SUBSCRIBER}-{uuid4()}"
    return {
        "first of a purchase": await calls(purchase),
        "second of a purchase": await calls(purchase),
        "of the web": await calls(f"Web {WEB_KEY}"),
    }


async def test_query_counts_its_results_and_at_least_one(
    counted: CountedFunctions, user: dict[str, str]
) -> None:
    message = {"toUserId": user["id"], "encryptedMessage": ["AAAA"]}
    for _ in range(3):
        await counted.call("PUT", "/inbox", message)
    for documents in (1 + 3, 1 + 1):  # the user, then the messages
        with logged_requests() as lines:
            await counted.call("POST", "/inbox", user)
        assert [fields["documents_read"] for fields in lines] == [documents]


def is_documented(request: str, round_trips: int) -> bool:
    """Whether the documentation's table has this number for `request`."""
    return f"| {request} | {round_trips} |" in (ROOT / "docs" / "performance.md").read_text()


async def test_picture_costs_one_more_read(counted: CountedFunctions) -> None:
    user = await counted.user()
    assert await counted.calls("PUT", "/user", profile(user, b"x" * 2_000_000)) == [READ, COMMIT]
    assert await counted.calls("GET", f"/user/{user['id']}") == [READ, READ]
    assert await counted.calls("POST", "/users", {"ids": [user["id"]]}) == [READ, READ]


async def test_large_pictures_are_read_2_mib_at_a_time(counted: CountedFunctions) -> None:
    users = [await counted.user() for _ in range(3)]
    for user, size in zip(users, (1_000_000, 1_000_000, 2_000_000), strict=True):
        await counted.call("PUT", "/user", profile(user, b"x" * size))
    ids = {"ids": [user["id"] for user in users]}
    assert await counted.calls("POST", "/users", ids) == [READ, READ, READ]


async def test_large_plans_are_read_2_mib_at_a_time(counted: CountedFunctions) -> None:
    plan = b"x" * 64 * 1024
    ids = [str(await new_user_with_plan(counted.database, plan)) for _ in range(70)]
    users = await counted.call("POST", "/users", {"ids": ids})
    assert users["users"].keys() == set(ids)
    plans = {each["encryptedCurrentPlan"] for each in users["users"].values()}
    assert plans == {to_text(plan)}
    # The first page of 32 users is part of the first read.
    assert await counted.calls("POST", "/users", {"ids": ids}) == [READ, READ, READ]
    assert counted.trips.documents == 70 + 38
    assert await counted.calls("POST", "/users", {"ids": ids[:32]}) == [READ]


async def test_200_users_with_small_pictures_take_two_reads(counted: CountedFunctions) -> None:
    ids = [str(uuid4()) for _ in range(190)]
    users = [await counted.user() for _ in range(3)]
    assert await counted.calls("POST", "/users", {"ids": ids}) == [READ]
    for user in users:
        await counted.call("PUT", "/user", profile(user, b"x" * 20_000))
    all_ids = [*ids, *(user["id"] for user in users)]
    assert await counted.calls("POST", "/users", {"ids": all_ids}) == [READ, READ]


@pytest.mark.parametrize("count", [2, 200])
async def test_feed_takes_one_read_and_one_more_for_events(
    counted: CountedFunctions, count: int
) -> None:
    ids = await asyncio.gather(*(new_author(counted.database) for _ in range(count)))

    def request(since: str) -> dict[str, object]:
        users = [{"userId": str(i), "followSecret": "secret", "since": since} for i in ids]
        return {"users": users}

    feed = await counted.call("POST", "/events", request(LONG_AGO))
    assert {event["userId"] for event in feed["events"]} == {str(i) for i in ids}
    assert await counted.calls("POST", "/events", request(LONG_AGO)) == [READ, READ]
    assert is_documented("`POST /events` with new events", 2)
    assert is_documented("`POST /events` without new events", 1)
    newest = max(event["timestamp"] for event in feed["events"])
    assert await counted.calls("POST", "/events", request(newest)) == [READ]


async def test_large_events_are_read_2_mib_at_a_time(counted: CountedFunctions) -> None:
    author = await new_author(counted.database)
    users = Users(counted.database, with_events=True)
    expiry = datetime.now(UTC) + timedelta(days=1)
    for _ in range(2):
        events = [NewEvent(uuid4(), b"x" * 64 * 1024, b"i" * 16, expiry) for _ in range(31)]
        account = await users.get_account(author)
        await Events(counted.database, users).put(account, events, datetime.now(UTC))
    follows = {"userId": str(author), "followSecret": "secret", "since": LONG_AGO}
    feed = await counted.call("POST", "/events", {"users": [follows]})
    assert len(feed["events"]) == 1 + 2 * 31
    # The pages have 32 events and 31.
    assert await counted.calls("POST", "/events", {"users": [follows]}) == [READ, READ, READ]


async def test_last_access_costs_one_write_a_day(counted: CountedFunctions) -> None:
    user = await counted.user()
    document = counted.database.document(USERS, UUID(user["id"]))
    yesterday = datetime.now(UTC) - timedelta(days=1)
    secret = {**user, "followSecret": "secret"}
    requests: list[tuple[str, str, object, list[str]]] = [
        ("GET", f"/user/{user['id']}", None, [READ]),
        ("POST", "/users", {"ids": [user["id"]]}, [READ]),
        ("POST", "/inbox", user, [READ, QUERY]),
    ]
    for method, path, body, calls in requests:
        await update(counted.database, document, {"last_accessed": yesterday})
        assert sorted(await counted.calls(method, path, body)) == sorted([*calls, COMMIT])
        assert await counted.calls(method, path, body) == calls
    for method, path, body in (
        ("PUT", "/user", profile(user)),
        ("PUT", "/event", event(user)),
        ("PUT", "/follow-secret", secret),
        ("POST", "/shareditem", shared_item(user)),
    ):
        await update(counted.database, document, {"last_accessed": yesterday})
        assert await counted.calls(method, path, body) == [READ, COMMIT]
        stored = await find_fields(counted.database, document)
        assert stored is not None
        assert stored["last_accessed"].date() == datetime.now(UTC).date()
