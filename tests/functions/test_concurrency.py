"""Concurrent clients, over HTTP."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from scripts.client.api import from_text, to_text
from scripts.client.person import BEFORE_ALL_EVENTS, Person
from shared.store.data_model import OF_USERS, USERS
from shared.store.database import Database
from tests.api_client import ApiClient
from tests.engines import parametrize_by_engine
from tests.functions.test_events import event, followed
from tests.functions.test_social import message
from tests.functions.test_users import profile
from tests.stored_documents import documents_in, exists

pytest_generate_tests = parametrize_by_engine


async def test_concurrent_readers_get_each_message_once(client: ApiClient, alice: Person) -> None:
    sent = [f"{writer}/{number}".encode() for writer in range(20) for number in range(10)]
    received: list[bytes] = []
    writing = True

    async def write(writer: int) -> None:
        for text in sent[writer * 10 : writer * 10 + 10]:
            assert (await client.put("/v2/inbox", message(alice, text))).status_code == 200

    async def read() -> None:
        finished = False
        while not finished:
            finished = not writing
            response = await client.post("/v2/inbox", alice.credentials)
            assert response.status_code == 200, response.text
            for each in response.json()["inboxMessages"]:
                received.extend(from_text(chunk) for chunk in each["encryptedMessage"])

    readers = [asyncio.create_task(read()) for _ in range(5)]
    await asyncio.gather(*(write(writer) for writer in range(20)))
    writing = False
    await asyncio.gather(*readers)
    assert sorted(received) == sorted(sent)


async def test_concurrent_puts_of_same_event_store_one(client: ApiClient, alice: Person) -> None:
    secret = await alice.allow_follower()
    body = event(alice)
    bodies = [body | {"encryptedEventPayload": to_text(text)} for text in (b"one", b"two")]
    responses = await asyncio.gather(*(client.put("/v2/event", each) for each in bodies * 2))
    assert [response.status_code for response in responses] == [200] * 4
    feed = await client.post("/v2/events", {"users": [followed(alice, secret)]})
    [stored_documents] = feed.json()["events"]
    assert stored_documents["encryptedEventPayload"] in {
        each["encryptedEventPayload"] for each in bodies
    }


async def test_concurrent_events_have_distinct_timestamps(client: ApiClient, alice: Person) -> None:
    secret = await alice.allow_follower()
    responses = await asyncio.gather(*(client.put("/v2/event", event(alice)) for _ in range(10)))
    assert [response.status_code for response in responses] == [200] * 10
    feed = await client.post("/v2/events", {"users": [followed(alice, secret)]})
    assert len({each["timestamp"] for each in feed.json()["events"]}) == 10


async def test_reader_with_latest_since_misses_no_event(client: ApiClient, alice: Person) -> None:
    secret = await alice.allow_follower()
    publishing = asyncio.gather(*(client.put("/v2/event", event(alice)) for _ in range(12)))
    since, seen = BEFORE_ALL_EVENTS, set()
    while True:
        finished = publishing.done()
        feed = await client.post("/v2/events", {"users": [followed(alice, secret, since)]})
        for each in feed.json()["events"]:
            seen.add(each["eventId"])
            since = max(since, each["timestamp"])
        if finished:
            break
    assert {response.status_code for response in await publishing} == {200}
    assert len(seen) == 12


async def test_user_deleted_during_writes_leaves_no_data(
    client: ApiClient, database: Database, alice: Person
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
            responses = await asyncio.gather(
                client.put("/v2/inbox", message(alice, b"hello")),
                client.put("/v2/event", event(alice)),
                client.put("/v2/user", picture),
                client.put("/v2/follow-secret", {**alice.credentials, "followSecret": "late"}),
                client.post("/v2/shareditem", item),
            )
            # 503: too many concurrent writers of one document.
            assert {response.status_code for response in responses} <= {200, 404, 401, 503}
            if responses[-1].status_code == 200:
                items.append(responses[-1].json()["id"])
                shared.set()

    writers = [asyncio.create_task(write()) for _ in range(3)]
    await asyncio.wait_for(shared.wait(), 40)  # long, because the machine can be busy
    await alice.delete()
    deleted = True
    await asyncio.gather(*writers)

    for path in (
        f"/user/{alice.id}",
        f"/user/{alice.lookup}",
        *(f"/shareditem/{i}" for i in items),
    ):
        assert (await client.get(f"/v2{path}")).status_code == 404
    feed = await client.post(
        "/v2/events", {"users": [followed(alice, s) for s in (secret, "late")]}
    )
    assert feed.json() == {"events": [], "invalidFollowSecrets": [secret, "late"]}
    assert (await client.post("/v2/inbox", alice.credentials)).status_code == 404
    assert not await exists(database, database.document(USERS, UUID(alice.id)))


async def test_documents_match_data_model_and_are_deleted(
    client: ApiClient, database: Database, alice: Person
) -> None:
    await alice.allow_follower()
    await alice.publish(b"squats")
    await alice.share_plan(b"plan", alice.aes_key)
    await client.put("/v2/inbox", message(alice, b"hello"))
    full_profile = profile(
        alice,
        encryptedCurrentPlan=b"plan",
        encryptedName=b"name",
        encryptedProfilePicture=b"p" * 1_200_000,
    )
    await client.put("/v2/user", full_profile)
    stored = await documents_of(database, alice)
    for collection in OF_USERS:
        fields, *_ = stored[collection.name]
        # The fields that the data model excludes from indexes exist, and include all bytes.
        assert set(collection.unindexed) <= fields.keys()
        assert {name for name in fields if is_opaque(fields[name])} <= set(collection.unindexed)
        assert collection.ttl_field is None or isinstance(fields[collection.ttl_field], datetime)
    await alice.delete()
    assert not any((await documents_of(database, alice)).values())


async def documents_of(database: Database, person: Person) -> dict[str, list[dict[str, Any]]]:
    """Return the fields of a user's documents by collection."""
    stored_documents = {}
    for collection in OF_USERS:
        documents = database.collection(collection, UUID(person.id))
        if collection.per_user:
            found = await documents_in(database, documents)
        elif collection.name == "users":
            found = await database.read([documents.document(person.id)])
        else:
            everything = await documents_in(database, documents)
            found = [each for each in everything if each.fields["user_id"] == person.id]
        stored_documents[collection.name] = [each.fields for each in found]
    return stored_documents


def is_opaque(value: object) -> bool:
    """Whether a stored value is bytes or a list of bytes."""
    return isinstance(value, bytes) or (isinstance(value, list) and is_opaque(value[0]))


async def test_concurrent_sign_ins_all_succeed(client: ApiClient, alice: Person) -> None:
    secret = {**alice.credentials, "followSecret": str(uuid4())}
    responses = await asyncio.gather(*(client.put("/v2/follow-secret", secret) for _ in range(16)))
    assert {response.status_code for response in responses} == {200}
