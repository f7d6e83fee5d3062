"""Many clients at once, over HTTP."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from google.cloud.firestore_v1.base_document import DocumentSnapshot
from google.cloud.firestore_v1.base_query import FieldFilter

from scripts.client.api import from_text, to_text
from scripts.client.person import BEFORE_ALL_EVENTS, Person
from shared.store.data_model import OF_USERS, USERS
from shared.store.database import Database
from tests.front_door import FrontDoor
from tests.functions.test_events import event, followed
from tests.functions.test_social import message
from tests.functions.test_users import profile


async def test_20_writers_and_5_readers_lose_and_repeat_no_message(
    door: FrontDoor, alice: Person
) -> None:
    sent = [f"{writer}/{number}".encode() for writer in range(20) for number in range(10)]
    received: list[bytes] = []
    writing = True

    async def write(writer: int) -> None:
        for text in sent[writer * 10 : writer * 10 + 10]:
            assert (await door.put("/v2/inbox", message(alice, text))).status_code == 200

    async def read() -> None:
        finished = False
        while not finished:
            finished = not writing
            answer = await door.post("/v2/inbox", alice.credentials)
            assert answer.status_code == 200, answer.text
            for letter in answer.json()["inboxMessages"]:
                received.extend(from_text(chunk) for chunk in letter["encryptedMessage"])

    readers = [asyncio.create_task(read()) for _ in range(5)]
    await asyncio.gather(*(write(writer) for writer in range(20)))
    writing = False
    await asyncio.gather(*readers)
    assert sorted(received) == sorted(sent)


async def test_two_puts_of_the_same_event_at_once_leave_one(door: FrontDoor, alice: Person) -> None:
    secret = await alice.allow_follower()
    body = event(alice)
    bodies = [body | {"encryptedEventPayload": to_text(text)} for text in (b"one", b"two")]
    answers = await asyncio.gather(*(door.put("/v2/event", each) for each in bodies * 2))
    assert [answer.status_code for answer in answers] == [200] * 4
    feed = await door.post("/v2/events", {"users": [followed(alice, secret)]})
    [left] = feed.json()["events"]
    assert left["encryptedEventPayload"] in {each["encryptedEventPayload"] for each in bodies}


async def test_events_put_at_once_have_different_timestamps(door: FrontDoor, alice: Person) -> None:
    secret = await alice.allow_follower()
    answers = await asyncio.gather(*(door.put("/v2/event", event(alice)) for _ in range(10)))
    assert [answer.status_code for answer in answers] == [200] * 10
    feed = await door.post("/v2/events", {"users": [followed(alice, secret)]})
    assert len({each["timestamp"] for each in feed.json()["events"]}) == 10


async def test_a_reader_who_asks_since_the_newest_never_misses_an_event(
    door: FrontDoor, alice: Person
) -> None:
    secret = await alice.allow_follower()
    publishing = asyncio.gather(*(door.put("/v2/event", event(alice)) for _ in range(12)))
    since, seen = BEFORE_ALL_EVENTS, set()
    while True:
        finished = publishing.done()
        feed = await door.post("/v2/events", {"users": [followed(alice, secret, since)]})
        for each in feed.json()["events"]:
            seen.add(each["eventId"])
            since = max(since, each["timestamp"])
        if finished:
            break
    assert {answer.status_code for answer in await publishing} == {200}
    assert len(seen) == 12


async def test_a_user_deleted_while_others_write_leaves_nothing_to_be_read(
    door: FrontDoor, database: Database, alice: Person
) -> None:
    secret = await alice.allow_follower()
    picture = profile(alice, encryptedProfilePicture=b"p" * 1_200_000)
    item = {
        **alice.credentials,
        "encryptedPayload": {"encryptedPayload": "AAAA", "iv": {"value": to_text(b"i" * 16)}},
        "expiry": "2099-01-01T00:00:00Z",
    }
    items: list[str] = []
    shared = asyncio.Event()
    deleted = False

    async def write() -> None:
        while not deleted:
            answers = await asyncio.gather(
                door.put("/v2/inbox", message(alice, b"hello")),
                door.put("/v2/event", event(alice)),
                door.put("/v2/user", picture),
                door.put("/v2/follow-secret", {**alice.credentials, "followSecret": "late"}),
                door.post("/v2/shareditem", item),
            )
            # 503: too many want to change the same user at once.
            assert {answer.status_code for answer in answers} <= {200, 404, 401, 503}
            if answers[-1].status_code == 200:
                items.append(answers[-1].json()["id"])
                shared.set()

    writers = [asyncio.create_task(write()) for _ in range(3)]
    await asyncio.wait_for(shared.wait(), 40)  # a busy machine takes its time
    await alice.delete()
    deleted = True
    await asyncio.gather(*writers)

    for path in (
        f"/user/{alice.id}",
        f"/user/{alice.lookup}",
        *(f"/shareditem/{i}" for i in items),
    ):
        assert (await door.get(f"/v2{path}")).status_code == 404
    feed = await door.post("/v2/events", {"users": [followed(alice, s) for s in (secret, "late")]})
    assert feed.json() == {"events": [], "invalidFollowSecrets": [secret, "late"]}
    assert (await door.post("/v2/inbox", alice.credentials)).status_code == 404
    assert not (await database.document(USERS, UUID(alice.id)).get()).exists


async def test_everything_is_stored_as_the_data_model_says_and_removed_with_its_user(
    door: FrontDoor, database: Database, alice: Person
) -> None:
    await alice.allow_follower()
    await alice.publish(b"squats")
    await alice.share_plan(b"plan", alice.aes_key)
    await door.put("/v2/inbox", message(alice, b"hello"))
    everything = profile(
        alice,
        encryptedCurrentPlan=b"plan",
        encryptedName=b"name",
        encryptedProfilePicture=b"p" * 1_200_000,
    )
    await door.put("/v2/user", everything)
    stored = await left_of(database, alice)
    for collection in OF_USERS:
        fields, *_ = stored[collection.name]
        # What the data model spares the index is there under that name, and no bytes are indexed.
        assert set(collection.unindexed) <= fields.keys()
        assert {name for name in fields if is_opaque(fields[name])} <= set(collection.unindexed)
        assert collection.ttl_field is None or isinstance(fields[collection.ttl_field], datetime)
    await alice.delete()
    assert not any((await left_of(database, alice)).values())


async def left_of(database: Database, person: Person) -> dict[str, list[dict[str, Any]]]:
    """Return the documents of each collection that are a user's, as their fields."""
    left = {}
    found: Sequence[DocumentSnapshot[Any]]
    for collection in OF_USERS:
        documents = database.collection(collection, UUID(person.id))
        if collection.per_user:
            found = await documents.get()
        elif collection.name == "users":
            found = [await documents.document(person.id).get()]
        else:
            found = await documents.where(filter=FieldFilter("user_id", "==", person.id)).get()
        left[collection.name] = [each.to_dict() or {} for each in found if each.exists]
    return left


def is_opaque(value: object) -> bool:
    """Whether a stored value is bytes, or made of bytes."""
    return isinstance(value, bytes) or (isinstance(value, list) and is_opaque(value[0]))


async def test_signing_in_at_once_with_the_same_password_works_for_all(
    door: FrontDoor, alice: Person
) -> None:
    secret = {**alice.credentials, "followSecret": str(uuid4())}
    answers = await asyncio.gather(*(door.put("/v2/follow-secret", secret) for _ in range(16)))
    assert {answer.status_code for answer in answers} == {200}
