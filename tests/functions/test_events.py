"""Events over HTTP. Source: contract, heading "Events"."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from scripts.client.api import to_text
from scripts.client.person import BEFORE_ALL_EVENTS, Follows, Person
from tests.front_door import FrontDoor

KIB = 1024
NOBODY = "00000000-0000-4000-8000-000000000000"
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
    """Return the instant so many days ahead."""
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def followed(author: Person, secret: str, since: str = BEFORE_ALL_EVENTS) -> dict[str, str]:
    """Return one entry of a POST /events."""
    return {"userId": author.id, "followSecret": secret, "since": since}


async def feed(door: FrontDoor, *users: dict[str, str]) -> Any:
    """Return the answer to a POST /events."""
    answer = await door.post("/v2/events", {"users": list(users)})
    assert answer.status_code == 200
    return answer.json()


@PREFIXES
async def test_a_follower_reads_what_was_published(
    door: FrontDoor, alice: Person, prefix: str
) -> None:
    secret = await alice.allow_follower()
    body = event(alice, expiry="2099-12-31T23:59:59.123456789+01:00")
    before = datetime.now(UTC)
    put = await door.put(f"{prefix}/event", body)
    assert (put.status_code, put.content) == (200, b"")
    answer = await door.post(f"{prefix}/events", {"users": [followed(alice, secret)]})
    assert answer.status_code == 200
    assert answer.json()["invalidFollowSecrets"] == []
    [read] = answer.json()["events"]
    timestamp = datetime.fromisoformat(read.pop("timestamp"))
    assert before <= timestamp <= datetime.now(UTC)
    assert read == {
        "userId": alice.id,
        "eventId": body["eventId"],
        "encryptedEventPayload": body["encryptedEventPayload"],
        "encryptedEventIV": body["encryptedEventIV"],
        "expiry": "2099-12-31T22:59:59.123456Z",
    }


async def test_since_is_strictly_after_and_takes_our_own_timestamps(
    door: FrontDoor, alice: Person
) -> None:
    secret = await alice.allow_follower()
    for _ in range(3):
        assert (await door.put("/v2/event", event(alice))).status_code == 200
    events = (await feed(door, followed(alice, secret)))["events"]
    for number, known in enumerate(events):
        later = await feed(door, followed(alice, secret, known["timestamp"]))
        assert later["events"] == events[number + 1 :]


async def test_since_takes_instants_with_nanoseconds_and_other_offsets(
    door: FrontDoor, alice: Person
) -> None:
    secret = await alice.allow_follower()
    await door.put("/v2/event", event(alice))
    [known] = (await feed(door, followed(alice, secret)))["events"]
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
        assert len((await feed(door, followed(alice, secret, since)))["events"]) == count, since


async def test_the_same_event_again_replaces_it_under_a_new_timestamp(
    door: FrontDoor, alice: Person
) -> None:
    secret = await alice.allow_follower()
    body = event(alice)
    await door.put("/v2/event", body)
    [first] = (await feed(door, followed(alice, secret)))["events"]
    await door.put("/v2/event", body | {"encryptedEventPayload": to_text(b"corrected")})
    [second] = (await feed(door, followed(alice, secret, first["timestamp"])))["events"]
    assert second["eventId"] == first["eventId"]
    assert second["encryptedEventPayload"] == to_text(b"corrected")
    assert len((await feed(door, followed(alice, secret)))["events"]) == 1


async def test_an_expired_event_is_not_shown(door: FrontDoor, alice: Person) -> None:
    secret = await alice.allow_follower()
    assert (await door.put("/v2/event", event(alice, expiry=in_days(-1)))).status_code == 200
    living = event(alice)
    await door.put("/v2/event", living)
    events = (await feed(door, followed(alice, secret)))["events"]
    assert [e["eventId"] for e in events] == [living["eventId"]]


async def test_useless_secrets_come_back_and_yield_nothing(
    door: FrontDoor, alice: Person, bob: Person, unknown_id: str
) -> None:
    good = await alice.allow_follower()
    revoked = await alice.allow_follower()
    await alice.revoke(revoked)
    bobs = await bob.allow_follower()
    for author in (alice, bob):
        await door.put("/v2/event", event(author))
    answer = await feed(
        door,
        followed(alice, "unknown"),
        followed(alice, revoked),
        followed(alice, bobs),
        {"userId": unknown_id, "followSecret": "of nobody", "since": BEFORE_ALL_EVENTS},
    )
    assert answer == {
        "events": [],
        "invalidFollowSecrets": ["unknown", revoked, bobs, "of nobody"],
    }
    mixed = await feed(door, followed(bob, good), followed(alice, good))
    assert mixed["invalidFollowSecrets"] == [good]
    assert [e["userId"] for e in mixed["events"]] == [alice.id]


async def test_a_user_who_appears_twice_is_answered_once(door: FrontDoor, alice: Person) -> None:
    secret, another = await alice.allow_follower(), await alice.allow_follower()
    for _ in range(2):
        await door.put("/v2/event", event(alice))
    both = (await feed(door, followed(alice, secret)))["events"]
    latest = both[-1]["timestamp"]
    twice = await feed(
        door,
        followed(alice, secret, latest),
        followed(alice, another),
        followed(alice, "wrong"),
        followed(alice, secret, latest),
    )
    assert twice == {"events": both, "invalidFollowSecrets": ["wrong"]}


async def test_the_feed_of_200_holds_everyones_news(
    door: FrontDoor, alice: Person, bob: Person
) -> None:
    follows = [
        followed(alice, await alice.allow_follower()),
        followed(bob, await bob.allow_follower()),
    ]
    ids = set()
    for author in (alice, bob):
        body = event(author)
        ids.add(body["eventId"])
        await door.put("/v2/event", body)
    strangers = [
        {"userId": str(uuid4()), "followSecret": f"s{n}", "since": BEFORE_ALL_EVENTS}
        for n in range(198)
    ]
    answer = await feed(door, *strangers, *follows)
    assert {e["eventId"] for e in answer["events"]} == ids
    assert answer["invalidFollowSecrets"] == [f"s{n}" for n in range(198)]


@pytest.mark.parametrize(("count", "status"), [(0, 400), (200, 200), (201, 400)], ids=str)
async def test_1_to_200_can_be_followed_at_once(door: FrontDoor, count: int, status: int) -> None:
    users = [{"userId": str(uuid4()), "followSecret": "s", "since": BEFORE_ALL_EVENTS}] * count
    assert (await door.post("/v2/events", {"users": users})).status_code == status


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("encryptedEventPayload", to_text(b""), 400),
        ("encryptedEventPayload", to_text(b"x"), 200),
        ("encryptedEventPayload", to_text(b"x" * 15 * KIB), 200),
        ("encryptedEventPayload", to_text(b"x" * (15 * KIB + 1)), 400),
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
        ("userId", NOBODY, 404),
    ],
)
async def test_limits_of_an_event(
    door: FrontDoor, somebody: Person, field: str, value: object, status: int
) -> None:
    answer = await door.put("/v2/event", event(somebody, **{field: value}))
    assert answer.status_code == status


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
async def test_limits_of_a_feed(door: FrontDoor, field: str, value: object, status: int) -> None:
    user = {"userId": str(uuid4()), "followSecret": "s", "since": BEFORE_ALL_EVENTS, field: value}
    answer = await door.post("/v2/events", {"users": [user]})
    assert answer.status_code == status
    if status == 400:
        assert [error["field"] for error in answer.json()["errors"]] == [f"users.0.{field}"]


async def test_a_deleted_author_yields_nothing(door: FrontDoor, alice: Person) -> None:
    secret = await alice.allow_follower()
    await door.put("/v2/event", event(alice))
    await alice.delete()
    answer = await feed(door, followed(alice, secret))
    assert answer == {"events": [], "invalidFollowSecrets": [secret]}


async def test_what_the_client_publishes_decrypts_and_verifies(alice: Person, bob: Person) -> None:
    follows = Follows(
        alice.id, await alice.allow_follower(), alice.aes_key, alice.keys.public_key_der
    )
    await alice.publish(b"squats")
    workouts, _ = await bob.fetch(follows)
    assert [workout.content for workout in workouts] == [b"squats"]
