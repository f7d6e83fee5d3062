"""The documents that Firestore bills, compared with the cost sheet."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

import functions.ai.main
from scripts.costing import requests
from scripts.costing.requests import Documents
from scripts.fakes.revenuecat import SUBSCRIBER
from scripts.fakes.settings import local_services
from scripts.local.ports import url
from shared.clients.http import open_client
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.store.settings import DatabaseSettings
from shared.web.subscribers import SubscriberResources
from tests import stack
from tests.shared.store.counted_functions import (
    LONG_AGO,
    PLAN_REQUEST,
    CountedFunctions,
    event,
    logged_requests,
    new_author,
    profile,
    shared_item,
)


@pytest.fixture(scope="module")
async def counted(settings: DatabaseSettings) -> AsyncIterator[CountedFunctions]:
    counted = CountedFunctions(settings)
    yield counted
    await counted.http.aclose()


async def billed(
    counted: CountedFunctions, method: str, path: str, body: object = None
) -> Documents:
    """Send a request; return the documents that Firestore bills for it."""
    with counted.trips.counted(), logged_requests() as lines:
        await counted.call(method, path, body)
    return Documents(lines[0]["documents_read"], counted.trips.written, counted.trips.deleted)


async def test_user_requests_cost_as_in_the_sheet(counted: CountedFunctions) -> None:
    user = await counted.user()
    assert await billed(counted, "POST", "/user/create", {}) == requests.CREATE_USER
    assert await billed(counted, "GET", f"/user/{user['id']}") == requests.GET_USER
    assert await billed(counted, "PUT", "/user", profile(user)) == requests.PUT_USER
    with_picture = profile(user, b"x" * 1000)
    put = await billed(counted, "PUT", "/user", with_picture)
    assert put == requests.PUT_USER_WITH_PICTURE
    got = await billed(counted, "GET", f"/user/{user['id']}")
    assert got == requests.GET_USER + requests.PART_OF_PICTURE


@pytest.mark.parametrize("followed", [2, 20])
async def test_feed_costs_as_in_the_sheet(counted: CountedFunctions, followed: int) -> None:
    ids = await asyncio.gather(*(new_author(counted.database) for _ in range(followed)))

    def since(instant: str) -> dict[str, object]:
        secret = {"followSecret": "secret", "since": instant}
        return {"users": [{"userId": str(each), **secret} for each in ids]}

    without_events = requests.FEED_PER_FOLLOWED.times(followed)
    with_events = await billed(counted, "POST", "/events", since(LONG_AGO))
    assert with_events == without_events + requests.FEED_PER_NEW_EVENT.times(followed)
    assert await billed(counted, "POST", "/events", since("2099-01-01T00:00:00Z")) == without_events


async def test_writes_cost_as_in_the_sheet(counted: CountedFunctions) -> None:
    user = await counted.user()
    secret = {**user, "followSecret": "secret"}
    message = {"toUserId": user["id"], "encryptedMessage": ["AAAA"]}
    assert await billed(counted, "PUT", "/event", event(user)) == requests.PUT_EVENT
    assert await billed(counted, "PUT", "/follow-secret", secret) == requests.PUT_FOLLOW_SECRET
    assert await billed(counted, "PUT", "/inbox", message) == requests.PUT_INBOX
    await counted.call("PUT", "/inbox", message)
    collected = await billed(counted, "POST", "/inbox", user)
    empty = await billed(counted, "POST", "/inbox", user)
    assert empty == requests.POST_INBOX_EMPTY
    first_read_is_paid = Documents(read=-1)
    assert collected == empty + requests.POST_INBOX_PER_MESSAGE.times(2) + first_read_is_paid
    item = await billed(counted, "POST", "/shareditem", shared_item(user))
    assert item == requests.POST_SHARED_ITEM
    made = await counted.call("POST", "/shareditem", shared_item(user))
    got = await billed(counted, "GET", f"/shareditem/{made['id']}")
    assert got == requests.GET_SHARED_ITEM


async def test_plans_cost_as_in_the_sheet(
    counted: CountedFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in local_services({}, url(stack.current().fakes)).items():
        monkeypatch.setenv(name, value)
    async with open_client() as outgoing:
        secrets = Secrets(SecretSettings())
        resources = SubscriberResources(counted.database, outgoing, secrets)
        http = counted.serving(functions.ai.main.routes(resources))
        headers = {"Authorization": f"RevenueCat {SUBSCRIBER}-{uuid4()}"}
        for expected in (requests.FIRST_PLAN_IN_HALF_AN_HOUR, requests.PLAN):
            with counted.trips.counted(), logged_requests() as lines:
                response = await http.post("/ai/session", json=PLAN_REQUEST, headers=headers)
            assert response.status_code == 200
            read = lines[0]["documents_read"]
            assert Documents(read, counted.trips.written, counted.trips.deleted) == expected
