"""Shared items over HTTP. Source: contract, heading "Sharing"."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from scripts.client.api import to_text
from scripts.client.person import Person
from tests.front_door import FrontDoor

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
async def test_anyone_reads_what_is_shared_with_the_owners_current_key(
    door: FrontDoor, alice: Person, prefix: str
) -> None:
    body = item(alice)
    created = await door.post(f"{prefix}/shareditem", body)
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
        await door.put("/v2/user", profile)
        read = await door.get(f"{prefix}/shareditem/{item_id}")
        assert read.status_code == 200
        assert read.json() == {
            "rsaPublicKey": {"spkiPublicKeyBytes": to_text(key)},
            "encryptedPayload": body["encryptedPayload"],
        }


async def test_an_expired_item_is_gone(door: FrontDoor, somebody: Person) -> None:
    body = item(somebody) | {"expiry": datetime.now(UTC).isoformat()}
    created = await door.post("/v2/shareditem", body)
    assert created.status_code == 200
    assert (await door.get(f"/v2/shareditem/{created.json()['id']}")).status_code == 404


@pytest.mark.parametrize("item_id", ["abcdefghijkl", "x", "..", "a" * 2000, "__a__", "a%2Fb"])
async def test_an_unknown_item_is_not_found(door: FrontDoor, item_id: str) -> None:
    assert (await door.get(f"/v2/shareditem/{item_id}")).status_code == 404


async def test_the_items_of_a_deleted_user_are_gone(door: FrontDoor, alice: Person) -> None:
    created = await door.post("/v2/shareditem", item(alice))
    await alice.delete()
    assert (await door.get(f"/v2/shareditem/{created.json()['id']}")).status_code == 404


async def test_a_wrong_password_and_an_unknown_user_are_refused_alike(
    door: FrontDoor, somebody: Person
) -> None:
    wrong = await door.post("/v2/shareditem", item(somebody) | {"password": "wrong"})
    unknown = await door.post("/v2/shareditem", item(somebody) | {"userId": str(uuid4())})
    assert (wrong.status_code, unknown.status_code) == (401, 401)


@pytest.mark.parametrize(
    ("payload_bytes", "iv_bytes", "status"),
    [
        (0, 16, 200),
        (20 * KIB, 16, 200),
        (20 * KIB + 1, 16, 400),
        (1, 15, 400),
        (1, 17, 400),
        (1, 0, 400),
    ],
)
async def test_limits_of_a_shared_item(
    door: FrontDoor, somebody: Person, payload_bytes: int, iv_bytes: int, status: int
) -> None:
    body = item(somebody, b"x" * payload_bytes, b"x" * iv_bytes)
    assert (await door.post("/v2/shareditem", body)).status_code == status


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
async def test_a_malformed_item_is_refused_and_the_field_named(
    door: FrontDoor, somebody: Person, field: str, value: object, wrong: str
) -> None:
    answer = await door.post("/v2/shareditem", item(somebody) | {field: value})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [wrong]
