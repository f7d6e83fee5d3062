"""All functions on a database that counts its calls, and requests to them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

import functions.events.main
import functions.sharing.main
import functions.social.main
import functions.users.main
from scripts.client.api import to_text
from scripts.local.round_trips import RoundTrips
from shared.store.database import Database
from shared.store.events import Events, NewEvent
from shared.store.follow_secrets import FollowSecrets
from shared.store.pictures import Pictures
from shared.store.profiles import ProfileContent, Profiles
from shared.store.settings import DatabaseSettings
from shared.store.users import PasswordHash, Users
from shared.web import request_log
from shared.web.app import build_app
from shared.web.routes import Route

QUERY = "RunQuery"
LONG_AGO = "2000-01-01T00:00:00Z"
PLAN_REQUEST = {
    "attributes": {
        "areasToWorkout": ["legs"],
        "volume": 0,
        "exerciseToKilograms": {},
        "useImperialUnits": False,
    }
}
SOON = (datetime.now(UTC) + timedelta(days=1)).isoformat()


@contextmanager
def logged_requests() -> Iterator[list[dict[str, Any]]]:
    """Yield the list of the log fields of each request that ends inside the block."""
    lines: list[dict[str, Any]] = []

    def collect(record: logging.LogRecord) -> bool:
        lines.append(vars(record)["json_fields"])
        return True

    request_log.logger.addFilter(collect)
    try:
        yield lines
    finally:
        request_log.logger.removeFilter(collect)


class CountedFunctions:
    """All functions in this process, on a database that counts its calls."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self.trips = RoundTrips()
        self.database = Database(settings, self.trips.open_engine)
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
        """Return a client for `routes`."""
        transport = httpx.ASGITransport(build_app(routes))
        return httpx.AsyncClient(transport=transport, base_url="http://functions")

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Send a request that succeeds; return the JSON of the response."""
        response = await self.http.request(method, path, json=body)
        assert response.status_code == 200, response.text
        return response.json() if response.content else None

    async def calls(self, method: str, path: str, body: object = None) -> list[str]:
        """Send a request; return its calls to Firestore.

        Fails if the log of the request has other numbers of calls and documents.
        """
        with self.trips.counted() as calls, logged_requests() as lines:
            await self.call(method, path, body)
        [fields] = lines
        assert fields["round_trips"] == len(calls)
        # The results of a query are unknown here. It is billed as at least one document.
        queries = calls.count(QUERY)
        assert fields["documents_read"] >= self.trips.documents + queries
        assert queries or fields["documents_read"] == self.trips.documents
        return calls

    async def user(self) -> dict[str, str]:
        """Create a user; return the response, with the names of id and password in requests."""
        created = await self.call("POST", "/user/create", {})
        return {"userId": created["id"], "password": created["password"], **created}


def profile(user: dict[str, str], picture: bytes | None = None) -> dict[str, object]:
    text = None if picture is None else to_text(picture)
    return {**user, "encryptedProfilePicture": text, "encryptionIV": "", "rsaPublicKey": ""}


def event(user: dict[str, str]) -> dict[str, object]:
    return {
        **user,
        "eventId": str(uuid4()),
        "encryptedEventPayload": to_text(b"x" * 2000),
        "encryptedEventIV": to_text(b"i" * 16),
        "expiry": SOON,
    }


def shared_item(user: dict[str, str]) -> dict[str, object]:
    payload = {"encryptedPayload": "AAAA", "iv": {"value": to_text(b"i" * 16)}}
    return {**user, "encryptedPayload": payload, "expiry": SOON}


async def new_user_with_plan(database: Database, plan: bytes) -> UUID:
    """Create a user with a plan, without hashing a password."""
    now = datetime.now(UTC)
    users = Users(database)
    user = await users.create(PasswordHash("", b""), now)
    content = ProfileContent(plan, None, None, b"", b"")
    profiles = Profiles(database, users, Pictures(database))
    await profiles.replace(await users.get_account(user.id), content, now)
    return user.id


async def new_author(database: Database) -> UUID:
    """Create a user with a follow secret and an event, without hashing a password."""
    now = datetime.now(UTC)
    users = Users(database, with_events=True)
    user = await users.create(PasswordHash("", b""), now)
    author = await users.get_account(user.id)
    await FollowSecrets(database, users).put(author, "secret", now)
    event = NewEvent(uuid4(), b"x" * 2000, b"i" * 16, now + timedelta(1))
    await Events(database, users).put(author, [event], now)
    return user.id
