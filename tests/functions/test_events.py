"""Events over HTTP. Source: contract, heading "Events"."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from scripts.client.api import to_text
from scripts.client.person import BEFORE_ALL_EVENTS, Follows, Person
from tests.api_client import ApiClient

KIB = 1024
UNKNOWN_USER_ID = "00000000-0000-4000-8000-000000000000"
PREFIXES = pytest.mark.parametrize("prefix", ["", "/v2"], ids=["installed", "public"])


def event(author: Person, **fields: Any) -> dict[str, Any]:
    """Return the body of a PUT /event."""
    return {
        **author.credentials,
        "eventId": str(uuid4()),
        "encryptedEventPayload": to_text(b"payload"),
        "encryptedEventIV": to_text(b"i" * 16),
        "expiry": in_days(1),
        **fields,
    }


def in_days(days: float) -> str:
    """Return the time `days` days from now."""
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def followed(author: Person, secret: str, since: str = BEFORE_ALL_EVENTS) -> dict[str, str]:
    """Return one entry of a POST /events."""
    return {"userId": author.id, "followSecret": secret, "since": since}


async def feed(client: ApiClient, *users: dict[str, str]) -> Any:
    """Return the JSON of the response to a POST /events."""
    response = await client.post("/v2/events", {"users": list(users)})
    assert response.status_code == 200
    return response.json()


@PREFIXES
async def test_follower_reads_published_event(
    client: ApiClient, alice: Person, prefix: str
) -> None:
    secret = await alice.allow_follower()
    body = event(alice, expiry="2099-12-31T23:59:59.123456789+01:00")
    before = datetime.now(UTC)
    put = await client.put(f"{prefix}/event", body)
    assert (put.status_code, put.content) == (200, b"")
    response = await client.post(f"{prefix}/events", {"users": [followed(alice, secret)]})
    assert response.status_code == 200
    assert response.json()["invalidFollowSecrets"] == []
    [read] = response.json()["events"]
    timestamp = datetime.fromisoformat(read.pop("timestamp"))
    assert before <= timestamp <= datetime.now(UTC)
    assert read == {
        "userId": alice.id,
        "eventId": body["eventId"],
        "encryptedEventPayload": body["encryptedEventPayload"],
        "encryptedEventIV": body["encryptedEventIV"],
        "expiry": "2099-12-31T22:59:59.123456Z",
    }


async def test_since_excludes_event_with_same_timestamp(client: ApiClient, alice: Person) -> None:
    secret = await alice.allow_follower()
    for _ in range(3):
        assert (await client.put("/v2/event", event(alice))).status_code == 200
    events = (await feed(client, followed(alice, secret)))["events"]
    for number, known in enumerate(events):
        later = await feed(client, followed(alice, secret, known["timestamp"]))
        assert later["events"] == events[number + 1 :]


async def test_since_accepts_nanoseconds_and_other_offsets(
    client: ApiClient, alice: Person
) -> None:
    secret = await alice.allow_follower()
    await client.put("/v2/event", event(alice))
    [known] = (await feed(client, followed(alice, secret)))["events"]
    stamped = datetime.fromisoformat(known["timestamp"])
    same = stamped.strftime("%Y-%m-%dT%H:%M:%S.%f")
    just_before = (stamped - timedelta(microseconds=1)).strftime("%Y-%m-%dT%H:%M:%S.%f")
    elsewhere = (stamped + timedelta(hours=5, minutes=30)).strftime("%Y-%m-%dT%H:%M:%S.%f")
    for since, count in {
        f"{same}000Z": 0,
        f"{same}999Z": 0,
        f"{just_before}999Z": 1,
        f"{elsewhere}+05:30": 0,
        "0001-01-01T00:00:00Z": 1,
        "9999-12-31T23:59:59.9999999+00:00": 0,
    }.items():
        assert len((await feed(client, followed(alice, secret, since)))["events"]) == count, since


@PREFIXES
@pytest.mark.parametrize("error", [timedelta(minutes=10), timedelta(minutes=-10)], ids=str)
async def test_feed_continues_after_an_authors_own_time(
    client: ApiClient, alice: Person, prefix: str, error: timedelta
) -> None:
    secret = await alice.allow_follower()

    async def publish(clock_error: timedelta, **fields: Any) -> tuple[str, str]:
        own_time = datetime.now(UTC) + clock_error
        body = event(alice, expiry=(own_time + timedelta(days=90)).isoformat(), **fields)
        assert (await client.put(f"{prefix}/event", body)).status_code == 200
        return body["eventId"], own_time.isoformat(timespec="milliseconds")

    async def unread(since: str) -> list[str]:
        body = {"users": [followed(alice, secret, since)]}
        response = await client.post(f"{prefix}/events", body)
        return [each["eventId"] for each in response.json()["events"]]

    (first, first_own), (second, second_own) = await publish(error), await publish(error)
    assert await unread(first_own) == [second]
    assert await unread(second_own) == []
    # The author sets the clock, and then changes the event that the follower has.
    third, third_own = await publish(timedelta())
    assert await unread(second_own) == [third]
    await publish(timedelta(), eventId=second)
    assert (await unread(second_own))[-2:] == [third, second]
    assert (await unread(third_own)) == [second]
    assert await unread(BEFORE_ALL_EVENTS) == [first, third, second]


async def test_event_with_same_id_is_replaced_with_new_timestamp(
    client: ApiClient, alice: Person
) -> None:
    secret = await alice.allow_follower()
    body = event(alice)
    await client.put("/v2/event", body)
    [first] = (await feed(client, followed(alice, secret)))["events"]
    await client.put("/v2/event", body | {"encryptedEventPayload": to_text(b"corrected")})
    [second] = (await feed(client, followed(alice, secret, first["timestamp"])))["events"]
    assert second["eventId"] == first["eventId"]
    assert second["encryptedEventPayload"] == to_text(b"corrected")
    assert len((await feed(client, followed(alice, secret)))["events"]) == 1


async def test_expired_event_is_omitted(client: ApiClient, alice: Person) -> None:
    secret = await alice.allow_follower()
    assert (await client.put("/v2/event", event(alice, expiry=in_days(-1)))).status_code == 200
    living = event(alice)
    await client.put("/v2/event", living)
    events = (await feed(client, followed(alice, secret)))["events"]
    assert [e["eventId"] for e in events] == [living["eventId"]]


async def test_invalid_follow_secrets_are_listed(
    client: ApiClient, alice: Person, bob: Person, unknown_id: str
) -> None:
    good = await alice.allow_follower()
    revoked = await alice.allow_follower()
    await alice.revoke(revoked)
    bobs = await bob.allow_follower()
    for author in (alice, bob):
        await client.put("/v2/event", event(author))
    response = await feed(
        client,
        followed(alice, "unknown"),
        followed(alice, revoked),
        followed(alice, bobs),
        {"userId": unknown_id, "followSecret": "of an unknown user", "since": BEFORE_ALL_EVENTS},
    )
    assert response == {
        "events": [],
        "invalidFollowSecrets": ["unknown", revoked, bobs, "of an unknown user"],
    }
    mixed = await feed(client, followed(bob, good), followed(alice, good))
    assert mixed["invalidFollowSecrets"] == [good]
    assert [e["userId"] for e in mixed["events"]] == [alice.id]


async def test_user_listed_twice_is_returned_once(client: ApiClient, alice: Person) -> None:
    secret, another = await alice.allow_follower(), await alice.allow_follower()
    for _ in range(2):
        await client.put("/v2/event", event(alice))
    both = (await feed(client, followed(alice, secret)))["events"]
    latest = both[-1]["timestamp"]
    twice = await feed(
        client,
        followed(alice, secret, latest),
        followed(alice, another),
        followed(alice, "wrong"),
        followed(alice, secret, latest),
    )
    assert twice == {"events": both, "invalidFollowSecrets": ["wrong"]}


async def test_feed_of_200_users_contains_all_events(
    client: ApiClient, alice: Person, bob: Person
) -> None:
    follows = [
        followed(alice, await alice.allow_follower()),
        followed(bob, await bob.allow_follower()),
    ]
    ids = set()
    for author in (alice, bob):
        body = event(author)
        ids.add(body["eventId"])
        await client.put("/v2/event", body)
    strangers = [
        {"userId": str(uuid4()), "followSecret": f"s{n}", "since": BEFORE_ALL_EVENTS}
        for n in range(198)
    ]
    response = await feed(client, *strangers, *follows)
    assert {e["eventId"] for e in response["events"]} == ids
    assert response["invalidFollowSecrets"] == [f"s{n}" for n in range(198)]


@pytest.mark.parametrize(("count", "status"), [(0, 400), (200, 200), (201, 400)], ids=str)
async def test_feed_accepts_1_to_200_users(client: ApiClient, count: int, status: int) -> None:
    users = [{"userId": str(uuid4()), "followSecret": "s", "since": BEFORE_ALL_EVENTS}] * count
    assert (await client.post("/v2/events", {"users": users})).status_code == status


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("encryptedEventPayload", to_text(b""), 400),
        ("encryptedEventPayload", to_text(b"x"), 200),
        ("encryptedEventPayload", to_text(b"x" * 64 * KIB), 200),
        ("encryptedEventPayload", to_text(b"x" * (64 * KIB + 1)), 400),
        ("encryptedEventPayload", "no base64", 400),
        ("encryptedEventIV", to_text(b""), 400),
        ("encryptedEventIV", to_text(b"x"), 200),
        ("encryptedEventIV", to_text(b"x" * 16), 200),
        ("encryptedEventIV", to_text(b"x" * 17), 400),
        ("expiry", "2099-01-01T00:00:00", 400),
        ("expiry", "2099-01-01", 400),
        ("expiry", 4_000_000_000, 400),
        ("expiry", "2099-01-01T00:00Z", 200),
        ("expiry", "2099-01-01T00:00:00.123456789-11:30", 200),
        ("expiry", "9999-12-31T23:59:59.9999999+00:00", 200),
        ("expiry", "9999-12-31T23:59:59-10:00", 400),
        ("expiry", None, 400),
        ("eventId", "x", 400),
        ("password", "x" * 41, 400),
        ("password", "x" * 40, 401),
        ("userId", UNKNOWN_USER_ID, 404),
    ],
)
async def test_event_fields_have_limits(
    client: ApiClient, existing_user: Person, field: str, value: object, status: int
) -> None:
    response = await client.put("/v2/event", event(existing_user, **{field: value}))
    assert response.status_code == status


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("followSecret", "s" * 40, 200),
        ("followSecret", "s" * 41, 400),
        ("followSecret", 7, 400),
        ("since", "yesterday", 400),
        ("since", "2025-11-23T01:02:03.123456789Z", 200),
        ("since", "2025-11-23T01:02:03.1234567890Z", 400),
        ("since", "2025-11-23T01:02:03", 400),
        ("since", "2025-13-23T01:02:03Z", 400),
        ("since", 0, 400),
        ("userId", "x", 400),
    ],
)
async def test_feed_fields_have_limits(
    client: ApiClient, field: str, value: object, status: int
) -> None:
    user = {"userId": str(uuid4()), "followSecret": "s", "since": BEFORE_ALL_EVENTS, field: value}
    response = await client.post("/v2/events", {"users": [user]})
    assert response.status_code == status
    if status == 400:
        assert [error["field"] for error in response.json()["errors"]] == [f"users.0.{field}"]


async def test_events_of_deleted_author_are_omitted(client: ApiClient, alice: Person) -> None:
    secret = await alice.allow_follower()
    await client.put("/v2/event", event(alice))
    await alice.delete()
    response = await feed(client, followed(alice, secret))
    assert response == {"events": [], "invalidFollowSecrets": [secret]}


async def test_event_of_client_decrypts_and_verifies(alice: Person, bob: Person) -> None:
    follows = Follows(
        alice.id, await alice.allow_follower(), alice.aes_key, alice.keys.public_key_der
    )
    await alice.publish(b"squats")
    workouts, _ = await bob.fetch(follows)
    assert [workout.content for workout in workouts] == [b"squats"]
