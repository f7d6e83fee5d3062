"""Follow secrets and the inbox over HTTP. Source: contract, heading "Social"."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from scripts.client.api import from_text, to_text
from scripts.client.person import Person
from shared.store.data_model import FOLLOW_SECRETS
from shared.store.database import Database
from tests.api_client import ApiClient
from tests.stored_documents import documents_in

KIB = 1024
PREFIXES = pytest.mark.parametrize("prefix", ["", "/v2"], ids=["installed", "public"])


def secret_body(owner: Person, secret: str) -> dict[str, str]:
    """Return the body of a request to a follow secret route."""
    return {**owner.credentials, "followSecret": secret}


def message(to: Person, *chunks: bytes) -> dict[str, Any]:
    """Return the body of a PUT /inbox."""
    return {"toUserId": to.id, "encryptedMessage": [to_text(chunk) for chunk in chunks]}


async def take(client: ApiClient, owner: Person) -> list[list[bytes]]:
    """Return the messages of one POST /inbox."""
    response = await client.post("/v2/inbox", owner.credentials)
    assert response.status_code == 200
    return [
        [from_text(chunk) for chunk in message["encryptedMessage"]]
        for message in response.json()["inboxMessages"]
    ]


@PREFIXES
async def test_follow_secret_put_and_delete_are_idempotent(
    client: ApiClient, database: Database, alice: Person, prefix: str
) -> None:
    secrets = database.collection(FOLLOW_SECRETS, UUID(alice.id))
    for method, path, left in (
        ("PUT", "/follow-secret", 1),
        ("PUT", "/follow-secret", 1),
        ("POST", "/follow-secret/delete", 0),
        ("POST", "/follow-secret/delete", 0),
    ):
        response = await client.send(method, prefix + path, secret_body(alice, "secret"))
        assert (response.status_code, response.content) == (200, b"")
        assert len(await documents_in(database, secrets)) == left


async def test_follow_secret_is_stored_only_as_digest(
    client: ApiClient, database: Database, alice: Person
) -> None:
    await client.put("/v2/follow-secret", secret_body(alice, "open sesame"))
    [stored] = await documents_in(database, database.collection(FOLLOW_SECRETS, UUID(alice.id)))
    assert stored.id == "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb"
    assert stored.fields.keys() == {"created_at"}


@pytest.mark.parametrize("path", ["/follow-secret", "/follow-secret/delete", "/inbox"])
async def test_social_routes_reject_wrong_credentials(
    client: ApiClient, existing_user: Person, unknown_id: str, path: str
) -> None:
    method = "PUT" if path == "/follow-secret" else "POST"
    right = secret_body(existing_user, "s")
    wrong = await client.send(method, f"/v2{path}", right | {"password": "wrong"})
    unknown = await client.send(method, f"/v2{path}", right | {"userId": unknown_id})
    assert (wrong.status_code, unknown.status_code) == (401, 404)


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("followSecret", "s" * 40, 200),
        ("followSecret", "s" * 41, 400),
        ("followSecret", None, 400),
        ("password", "s" * 41, 400),
        ("userId", "x", 400),
    ],
)
@pytest.mark.parametrize("path", ["/follow-secret", "/follow-secret/delete"])
async def test_follow_secret_has_length_limit(
    client: ApiClient, existing_user: Person, path: str, field: str, value: object, status: int
) -> None:
    method = "PUT" if path == "/follow-secret" else "POST"
    response = await client.send(
        method, f"/v2{path}", secret_body(existing_user, "s") | {field: value}
    )
    assert response.status_code == status


@PREFIXES
async def test_inbox_message_is_returned_once(
    client: ApiClient, alice: Person, prefix: str
) -> None:
    put = await client.put(f"{prefix}/inbox", message(alice, b"one", b"", b"two"))
    assert (put.status_code, put.content) == (200, b"")
    response = await client.post(f"{prefix}/inbox", alice.credentials)
    [read] = response.json()["inboxMessages"]
    assert read.keys() == {"id", "encryptedMessage"}
    assert str(UUID(read["id"])) == read["id"]
    assert [from_text(chunk) for chunk in read["encryptedMessage"]] == [b"one", b"", b"two"]
    assert await take(client, alice) == []


async def test_inbox_messages_are_returned_oldest_first(client: ApiClient, alice: Person) -> None:
    sent = [[str(number).encode()] for number in range(120)]
    for body in sent:
        assert (await client.put("/v2/inbox", message(alice, *body))).status_code == 200
    assert await take(client, alice) == sent


@pytest.mark.parametrize(
    ("chunks", "status"),
    [
        ([], 400),
        ([b""], 200),
        ([b"x" * KIB] * 20, 200),
        ([b"x"] * 21, 400),
        ([b"x" * (KIB + 1)], 400),
    ],
    ids=["none", "empty", "largest", "too many", "too long"],
)
async def test_inbox_message_fields_have_limits(
    client: ApiClient, existing_user: Person, chunks: list[bytes], status: int
) -> None:
    assert (await client.put("/v2/inbox", message(existing_user, *chunks))).status_code == status


@pytest.mark.parametrize("given", [None, "AAAA", ["no base64"], [None], [["AAAA"]]], ids=str)
async def test_inbox_message_must_be_list_of_base64(
    client: ApiClient, existing_user: Person, given: object
) -> None:
    body = {"toUserId": existing_user.id, "encryptedMessage": given}
    assert (await client.put("/v2/inbox", body)).status_code == 400


async def test_inbox_message_to_unknown_user_is_not_found(client: ApiClient) -> None:
    body = {"toUserId": str(uuid4()), "encryptedMessage": ["AAAA"]}
    assert (await client.put("/v2/inbox", body)).status_code == 404
