"""Every request's calls to Firestore, as exact lists; the README has them as a table."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

import functions.ai.main
import functions.events.main
import functions.sharing.main
import functions.social.main
import functions.users.main
from scripts.client.api import to_text
from scripts.fakes.revenuecat import SUBSCRIBER
from scripts.fakes.settings import WEB_KEY, local_services
from scripts.local.ports import url
from scripts.local.round_trips import RoundTrips
from scripts.root import ROOT
from shared.clients.http import open_client
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.store.data_model import user_document
from shared.store.database import Database
from shared.store.events import Events, NewEvent
from shared.store.follow_secrets import FollowSecrets
from shared.store.settings import DatabaseSettings
from shared.store.users import PasswordHash, Users
from shared.web import request_log
from shared.web.app import build_app
from shared.web.routes import Route
from shared.web.subscribers import SubscriberResources
from tests import stack

READ, QUERY, COMMIT = "BatchGetDocuments", "RunQuery", "Commit"
LONG_AGO = "2000-01-01T00:00:00Z"
WISH = {
    "attributes": {
        "areasToWorkout": ["legs"],
        "volume": 0,
        "exerciseToKilograms": {},
        "useImperialUnits": False,
    }
}
SOON = (datetime.now(UTC) + timedelta(days=1)).isoformat()


@contextmanager
def told() -> Iterator[list[dict[str, Any]]]:
    """Yield the list of what is logged of each request that ends inside the block."""
    lines: list[dict[str, Any]] = []

    def note(record: logging.LogRecord) -> bool:
        lines.append(vars(record)["json_fields"])
        return True

    request_log.logger.addFilter(note)
    try:
        yield lines
    finally:
        request_log.logger.removeFilter(note)


class Counted:
    """All functions in this process, on a store whose calls are counted."""

    def __init__(self) -> None:
        self.trips = RoundTrips()
        self.database = Database(DatabaseSettings(), self.trips.interceptors)
        routes = [
            route
            for function in (
                functions.users.main,
                functions.events.main,
                functions.social.main,
                functions.sharing.main,
            )
            for route in function.routes(self.database)
        ]
        self.http = self.serving(routes)

    def serving(self, routes: list[Route]) -> httpx.AsyncClient:
        """Return a client of `routes`."""
        transport = httpx.ASGITransport(build_app(routes))
        return httpx.AsyncClient(transport=transport, base_url="http://functions")

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call a route that should succeed; return its JSON."""
        answer = await self.http.request(method, path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else None

    async def calls(self, method: str, path: str, body: Any = None) -> list[str]:
        """Call a route; return the calls to Firestore that it took.

        The log has to say the same of them, and of the documents that were read.
        """
        with self.trips.counted() as calls, told() as lines:
            await self.call(method, path, body)
        [fields] = lines
        assert fields["round_trips"] == len(calls)
        # A query finds nothing that we know of here, and is billed as one document or more.
        queries = calls.count(QUERY)
        assert fields["documents_read"] >= self.trips.documents + queries
        assert queries or fields["documents_read"] == self.trips.documents
        return calls

    async def user(self) -> dict[str, str]:
        """Create a user; return id and password as most routes want them, and the lookup."""
        created = await self.call("POST", "/user/create", {})
        return {"userId": created["id"], "password": created["password"], **created}


@pytest.fixture(scope="module")
async def counted() -> AsyncIterator[Counted]:
    counted = Counted()
    yield counted
    await counted.http.aclose()


@pytest.fixture(scope="module")
async def user(counted: Counted) -> dict[str, str]:
    return await counted.user()


def profile(user: dict[str, str], picture: bytes | None = None) -> dict[str, Any]:
    text = None if picture is None else to_text(picture)
    return {**user, "encryptedProfilePicture": text, "encryptionIV": "", "rsaPublicKey": ""}


def event(user: dict[str, str]) -> dict[str, Any]:
    return {
        **user,
        "eventId": str(uuid4()),
        "encryptedEventPayload": to_text(b"x" * 2000),
        "encryptedEventIV": to_text(b"i" * 16),
        "expiry": SOON,
    }


def shared_item(user: dict[str, str]) -> dict[str, Any]:
    payload = {"encryptedPayload": "AAAA", "iv": {"value": to_text(b"i" * 16)}}
    return {**user, "encryptedPayload": payload, "expiry": SOON}


async def test_round_trips_of_every_request_are_as_the_readme_says(
    counted: Counted, user: dict[str, str]
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
        assert readme_says(f"`{request}`", len(calls)), request


async def test_round_trips_of_a_plan_are_as_the_readme_says(
    counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes = url(stack.current().fakes)
    for name, value in local_services({}, fakes).items():
        monkeypatch.setenv(name, value)
    async with open_client() as outgoing:
        secrets = Secrets(SecretSettings())
        http = counted.serving(
            functions.ai.main.routes(SubscriberResources(counted.database, outgoing, secrets))
        )
        seen = await plans(counted, http)
    assert seen == {
        "first of a purchase": [READ, COMMIT, READ, COMMIT],
        "second of a purchase": [READ, COMMIT],
        "of the web": [READ, COMMIT],
    }
    for request in ("POST /ai/workout", "POST /ai/session"):
        assert readme_says(f"`{request}`", 2)


async def plans(counted: Counted, http: httpx.AsyncClient) -> dict[str, list[str]]:
    """Ask for plans; return the calls to Firestore of each."""

    async def calls(purchase_token: str) -> list[str]:
        headers = {"Authorization": purchase_token}
        with counted.trips.counted() as calls, told() as lines:
            answer = await http.post("/ai/session", json=WISH, headers=headers)
        assert [fields["round_trips"] for fields in lines] == [len(calls)]
        assert answer.status_code == 200, answer.text
        return calls

    purchase = f"RevenueCat {SUBSCRIBER}-{uuid4()}"
    return {
        "first of a purchase": await calls(purchase),
        "second of a purchase": await calls(purchase),
        "of the web": await calls(f"Web {WEB_KEY}"),
    }


async def test_a_query_is_billed_for_what_it_finds_and_at_least_once(
    counted: Counted, user: dict[str, str]
) -> None:
    message = {"toUserId": user["id"], "encryptedMessage": ["AAAA"]}
    for _ in range(3):
        await counted.call("PUT", "/inbox", message)
    for documents in (1 + 3, 1 + 1):  # the user, and the messages
        with told() as lines:
            await counted.call("POST", "/inbox", user)
        assert [fields["documents_read"] for fields in lines] == [documents]


def readme_says(request: str, round_trips: int) -> bool:
    return f"| {request} | {round_trips} |" in (ROOT / "README.md").read_text()


async def test_a_picture_costs_one_more_read(counted: Counted) -> None:
    user = await counted.user()
    assert await counted.calls("PUT", "/user", profile(user, b"x" * 2_000_000)) == [READ, COMMIT]
    assert await counted.calls("GET", f"/user/{user['id']}") == [READ, READ]
    assert await counted.calls("POST", "/users", {"ids": [user["id"]]}) == [READ, READ]


async def test_large_pictures_are_read_4_mib_at_a_time(counted: Counted) -> None:
    users = [await counted.user() for _ in range(3)]
    for user in users:
        await counted.call("PUT", "/user", profile(user, b"x" * 2_000_000))
    ids = {"ids": [user["id"] for user in users]}
    assert await counted.calls("POST", "/users", ids) == [READ, READ, READ]


async def test_200_users_take_one_read_and_their_small_pictures_another(counted: Counted) -> None:
    ids = [str(uuid4()) for _ in range(190)]
    users = [await counted.user() for _ in range(3)]
    assert await counted.calls("POST", "/users", {"ids": ids}) == [READ]
    for user in users:
        await counted.call("PUT", "/user", profile(user, b"x" * 20_000))
    everyone = [*ids, *(user["id"] for user in users)]
    assert await counted.calls("POST", "/users", {"ids": everyone}) == [READ, READ]


@pytest.mark.parametrize("count", [2, 200])
async def test_a_feed_without_news_takes_one_read_and_with_news_two(
    counted: Counted, count: int
) -> None:
    ids = await asyncio.gather(*(published_by_a_new_user(counted.database) for _ in range(count)))

    def request(since: str) -> dict[str, Any]:
        users = [{"userId": str(i), "followSecret": "secret", "since": since} for i in ids]
        return {"users": users}

    news = await counted.call("POST", "/events", request(LONG_AGO))
    assert {event["userId"] for event in news["events"]} == {str(i) for i in ids}
    assert await counted.calls("POST", "/events", request(LONG_AGO)) == [READ, READ]
    assert readme_says("`POST /events` with news", 2)
    assert readme_says("`POST /events` without news", 1)
    newest = max(event["timestamp"] for event in news["events"])
    assert await counted.calls("POST", "/events", request(newest)) == [READ]


async def published_by_a_new_user(database: Database) -> UUID:
    """Create a user with a follow secret and an event, without the cost of a password."""
    now = datetime.now(UTC)
    users, events = Users(database), Events(database)
    user = await users.create(PasswordHash("", b""), now)
    author = await events.find_author(user.id)
    assert author is not None
    await FollowSecrets(database, users).put(author, "secret", now)
    await events.put(author, [NewEvent(uuid4(), b"x" * 2000, b"i" * 16, now + timedelta(1))], now)
    return user.id


async def test_the_day_of_the_last_access_costs_a_write_once_a_day(counted: Counted) -> None:
    user = await counted.user()
    document = user_document(counted.database.client, UUID(user["id"]))
    yesterday = datetime.now(UTC) - timedelta(days=1)
    secret = {**user, "followSecret": "secret"}
    requests: list[tuple[str, str, Any, list[str]]] = [
        ("GET", f"/user/{user['id']}", None, [READ]),
        ("POST", "/users", {"ids": [user["id"]]}, [READ]),
        ("POST", "/inbox", user, [READ, QUERY]),
    ]
    for method, path, body, calls in requests:
        await document.update({"last_accessed": yesterday})
        assert sorted(await counted.calls(method, path, body)) == sorted([*calls, COMMIT])
        assert await counted.calls(method, path, body) == calls
    for method, path, body in (
        ("PUT", "/user", profile(user)),
        ("PUT", "/event", event(user)),
        ("PUT", "/follow-secret", secret),
        ("POST", "/shareditem", shared_item(user)),
    ):
        await document.update({"last_accessed": yesterday})
        assert await counted.calls(method, path, body) == [READ, COMMIT]
        assert (await document.get()).get("last_accessed").date() == datetime.now(UTC).date()
