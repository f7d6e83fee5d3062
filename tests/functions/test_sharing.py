"""Shared items over HTTP. Source: contract, heading "Sharing"."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from scripts.client.api import to_text
from scripts.client.person import Person
from tests.api_client import ApiClient

KIB = 1024
PREFIXES = pytest.mark.parametrize("prefix", ["", "/v2"], ids=["installed", "public"])


def item(owner: Person, payload: bytes = b"plan", iv: bytes = b"i" * 16) -> dict[str, Any]:
    """Return the body of a POST /shareditem."""
    return {
        **owner.credentials,
        "encryptedPayload": {"encryptedPayload": to_text(payload), "iv": {"value": to_text(iv)}},
        "expiry": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
    }


@PREFIXES
async def test_shared_item_contains_current_key_of_owner(
    client: ApiClient, alice: Person, prefix: str
) -> None:
    body = item(alice)
    created = await client.post(f"{prefix}/shareditem", body)
    assert created.status_code == 200
    assert created.json().keys() == {"id"}
    item_id = created.json()["id"]
    assert re.fullmatch(r"[a-z][0-9a-z]{11}", item_id)
    for key in (b"", b"new key"):
        profile = {
            "id": alice.id,
            "password": alice.password,
            "encryptionIV": "",
            "rsaPublicKey": to_text(key),
        }
        await client.put("/v2/user", profile)
        read = await client.get(f"{prefix}/shareditem/{item_id}")
        assert read.status_code == 200
        assert read.json() == {
            "rsaPublicKey": {"spkiPublicKeyBytes": to_text(key)},
            "encryptedPayload": body["encryptedPayload"],
        }


async def test_expired_shared_item_is_not_found(client: ApiClient, existing_user: Person) -> None:
    body = item(existing_user) | {"expiry": datetime.now(UTC).isoformat()}
    created = await client.post("/v2/shareditem", body)
    assert created.status_code == 200
    assert (await client.get(f"/v2/shareditem/{created.json()['id']}")).status_code == 404


@pytest.mark.parametrize("item_id", ["abcdefghijkl", "x", "..", "a" * 2000, "__a__", "a%2Fb"])
async def test_unknown_shared_item_is_not_found(client: ApiClient, item_id: str) -> None:
    assert (await client.get(f"/v2/shareditem/{item_id}")).status_code == 404


async def test_shared_item_of_deleted_user_is_not_found(client: ApiClient, alice: Person) -> None:
    created = await client.post("/v2/shareditem", item(alice))
    await alice.delete()
    assert (await client.get(f"/v2/shareditem/{created.json()['id']}")).status_code == 404


async def test_unknown_user_and_wrong_password_are_both_401(
    client: ApiClient, existing_user: Person
) -> None:
    wrong = await client.post("/v2/shareditem", item(existing_user) | {"password": "wrong"})
    unknown = await client.post("/v2/shareditem", item(existing_user) | {"userId": str(uuid4())})
    assert (wrong.status_code, unknown.status_code) == (401, 401)


@pytest.mark.parametrize(
    ("payload_bytes", "iv_bytes", "status"),
    [
        (0, 16, 200),
        (128 * KIB, 16, 200),
        (128 * KIB + 1, 16, 400),
        (1, 15, 400),
        (1, 17, 400),
        (1, 0, 400),
    ],
)
async def test_shared_item_fields_have_limits(
    client: ApiClient, existing_user: Person, payload_bytes: int, iv_bytes: int, status: int
) -> None:
    body = item(existing_user, b"x" * payload_bytes, b"x" * iv_bytes)
    assert (await client.post("/v2/shareditem", body)).status_code == status


@pytest.mark.parametrize(
    ("field", "value", "wrong"),
    [
        ("expiry", "soon", "expiry"),
        ("encryptedPayload", "AAAA", "encryptedPayload"),
        ("encryptedPayload", {"encryptedPayload": "AAAA"}, "encryptedPayload.iv"),
        ("encryptedPayload", {"encryptedPayload": "AAAA", "iv": {}}, "encryptedPayload.iv.value"),
        ("userId", None, "userId"),
        ("password", "x" * 41, "password"),
    ],
)
async def test_invalid_shared_item_names_the_field(
    client: ApiClient, existing_user: Person, field: str, value: object, wrong: str
) -> None:
    response = await client.post("/v2/shareditem", item(existing_user) | {field: value})
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [wrong]
