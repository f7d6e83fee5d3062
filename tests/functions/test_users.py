"""Users over HTTP. Source: contract, heading "Users"."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from scripts.client.api import Api, from_text, to_text
from scripts.client.person import Person
from shared.store.data_model import LOOKUPS, USERS
from shared.store.database import Database
from tests.api_client import ApiClient
from tests.stored_documents import find_fields, update

KIB = 1024
PREFIXES = pytest.mark.parametrize("prefix", ["", "/v2"], ids=["installed", "public"])


def profile(person: Person, **fields: bytes | None) -> dict[str, Any]:
    """Return the body of a PUT /user with empty required fields."""
    given = {"encryptionIV": b"", "rsaPublicKey": b"", **fields}
    return {
        "id": person.id,
        "password": person.password,
        **{name: None if value is None else to_text(value) for name, value in given.items()},
    }


@PREFIXES
async def test_new_user_has_id_lookup_and_password(client: ApiClient, prefix: str) -> None:
    response = await client.post(f"{prefix}/user/create", {})
    assert response.status_code == 200
    user = response.json()
    assert user.keys() == {"id", "lookup", "password"}
    assert str(UUID(user["id"])) == user["id"]
    assert str(UUID(user["password"])) == user["password"]
    assert re.fullmatch(r"[a-z][0-9a-z]{11}", user["lookup"])


async def test_new_users_have_distinct_ids(api: Api) -> None:
    alice, bob = await Person.create(api), await Person.create(api)
    assert len({alice.id, bob.id, alice.password, bob.password}) == 4
    assert alice.lookup != bob.lookup


@PREFIXES
@pytest.mark.parametrize("by", ["id", "lookup"])
async def test_new_user_has_empty_required_fields(
    client: ApiClient, existing_user: Person, prefix: str, by: str
) -> None:
    response = await client.get(f"{prefix}/user/{getattr(existing_user, by)}")
    assert response.status_code == 200
    assert response.json() == {
        "id": existing_user.id,
        "lookup": existing_user.lookup,
        "encryptedCurrentPlan": None,
        "encryptedProfilePicture": None,
        "encryptedName": None,
        "encryptionIV": "",
        "rsaPublicKey": "",
    }


async def test_user_id_matches_in_any_case(client: ApiClient, existing_user: Person) -> None:
    response = await client.get(f"/v2/user/{existing_user.id.upper()}")
    assert response.json()["id"] == existing_user.id


@pytest.mark.parametrize(
    "address",
    [
        "00000000-0000-4000-8000-000000000000",
        "abcdefghijkl",
        "x",
        "a" * 2000,
        "%2Fetc",
        "..",
        "__x__",
        "caf%C3%A9",
    ],
    ids=["id", "lookup", "short", "long", "slash", "dots", "reserved", "accent"],
)
async def test_unknown_user_is_not_found(client: ApiClient, address: str) -> None:
    response = await client.get(f"/v2/user/{address}")
    assert response.status_code == 404


@PREFIXES
async def test_profile_is_read_as_it_was_put(client: ApiClient, alice: Person, prefix: str) -> None:
    body = profile(
        alice,
        encryptedCurrentPlan=bytes(range(256)),
        encryptedProfilePicture=b"\xfb\xef\xbe picture",
        encryptedName=b"name",
        encryptionIV=b"iv" * 8,
        rsaPublicKey=b"key",
    )
    response = await client.put(f"{prefix}/user", body)
    assert (response.status_code, response.content) == (200, b"")
    read = (await client.get(f"/v2/user/{alice.id}")).json()
    given = {name: value for name, value in body.items() if name != "password"}
    assert read == {**given, "lookup": alice.lookup}


async def test_put_without_optional_field_sets_null(client: ApiClient, alice: Person) -> None:
    full = profile(
        alice, encryptedCurrentPlan=b"p", encryptedProfilePicture=b"q", encryptedName=b"n"
    )
    await client.put("/v2/user", full)
    await client.put("/v2/user", profile(alice, encryptionIV=b"i"))
    read = (await client.get(f"/v2/user/{alice.id}")).json()
    assert read["encryptedCurrentPlan"] is None
    assert read["encryptedProfilePicture"] is None
    assert read["encryptedName"] is None
    assert from_text(read["encryptionIV"]) == b"i"


@pytest.mark.parametrize("size", [1, 1_000_000, 1_000_001, 2000 * KIB])
async def test_pictures_of_any_size_are_returned_complete(
    client: ApiClient, alice: Person, size: int
) -> None:
    picture = (bytes(range(251)) * (size // 251 + 1))[:size]
    response = await client.put("/v2/user", profile(alice, encryptedProfilePicture=picture))
    assert response.status_code == 200
    read = await client.get(f"/v2/user/{alice.lookup}")
    assert from_text(read.json()["encryptedProfilePicture"]) == picture


async def test_smaller_picture_replaces_larger_picture(client: ApiClient, alice: Person) -> None:
    await client.put("/v2/user", profile(alice, encryptedProfilePicture=b"a" * 1_500_000))
    await client.put("/v2/user", profile(alice, encryptedProfilePicture=b"b"))
    read = await client.get(f"/v2/user/{alice.id}")
    assert from_text(read.json()["encryptedProfilePicture"]) == b"b"


LIMITS = {
    "encryptedCurrentPlan": 64 * KIB,
    "encryptedProfilePicture": 2000 * KIB,
    "encryptedName": 2 * KIB,
    "encryptionIV": 16,
    "rsaPublicKey": KIB,
}


@pytest.mark.parametrize(("field", "limit"), LIMITS.items(), ids=LIMITS)
async def test_profile_fields_have_limits(
    client: ApiClient, existing_user: Person, field: str, limit: int
) -> None:
    at_limit = await client.put("/v2/user", profile(existing_user, **{field: b"x" * limit}))
    above = await client.put("/v2/user", profile(existing_user, **{field: b"x" * (limit + 1)}))
    restored = await client.put("/v2/user", profile(existing_user))
    assert [r.status_code for r in (at_limit, above, restored)] == [200, 400, 200]
    assert above.json()["errors"] == [{"field": field, "message": f"is longer than {limit} bytes"}]


@pytest.mark.parametrize("field", ["id", "password", "encryptionIV", "rsaPublicKey"])
@pytest.mark.parametrize("how", ["missing", "null", "number"])
async def test_put_without_required_field_is_rejected(
    client: ApiClient, existing_user: Person, field: str, how: str
) -> None:
    body = profile(existing_user)
    if how == "missing":
        del body[field]
    else:
        body[field] = None if how == "null" else 7
    response = await client.put("/v2/user", body)
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize(("length", "status"), [(40, 401), (41, 400)])
async def test_password_has_at_most_40_characters(
    client: ApiClient, existing_user: Person, length: int, status: int
) -> None:
    body = profile(existing_user) | {"password": "x" * length}
    assert (await client.put("/v2/user", body)).status_code == status


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/v2/user"), ("POST", "/v2/user/delete")], ids=["put", "delete"]
)
async def test_wrong_password_is_401_and_unknown_user_is_404(
    client: ApiClient, existing_user: Person, unknown_id: str, method: str, path: str
) -> None:
    wrong = await client.send(method, path, profile(existing_user) | {"password": "wrong"})
    unknown = await client.send(method, path, profile(existing_user) | {"id": unknown_id})
    assert (wrong.status_code, unknown.status_code) == (401, 404)
    assert (await client.get(f"/v2/user/{existing_user.id}")).status_code == 200


@PREFIXES
async def test_users_are_read_together_without_unknown_ids(
    client: ApiClient, alice: Person, bob: Person, unknown_id: str, prefix: str
) -> None:
    await client.put("/v2/user", profile(alice, encryptedProfilePicture=b"a" * 1_200_000))
    await client.put("/v2/user", profile(bob, encryptedName=b"Bob"))
    ids = [alice.id, unknown_id, bob.id.upper(), alice.id]
    response = await client.post(f"{prefix}/users", {"ids": ids})
    assert response.status_code == 200
    assert response.json() == {
        "users": {
            person.id: (await client.get(f"/v2/user/{person.id}")).json() for person in (alice, bob)
        }
    }


@pytest.mark.parametrize(("count", "status"), [(0, 400), (1, 200), (200, 200), (201, 400)], ids=str)
async def test_users_route_accepts_1_to_200_ids(client: ApiClient, count: int, status: int) -> None:
    response = await client.post("/v2/users", {"ids": [str(uuid4()) for _ in range(count)]})
    assert response.status_code == status
    if status == 200:
        assert response.json() == {"users": {}}


@pytest.mark.parametrize("ids", [None, "x", ["x"], [7], {}], ids=str)
async def test_users_route_requires_list_of_ids(client: ApiClient, ids: object) -> None:
    assert (await client.post("/v2/users", {"ids": ids})).status_code == 400


@PREFIXES
async def test_deleted_user_is_not_found(client: ApiClient, alice: Person, prefix: str) -> None:
    await client.put("/v2/user", profile(alice, encryptedProfilePicture=b"p" * 10))
    body = {"id": alice.id, "password": alice.password}
    response = await client.post(f"{prefix}/user/delete", body)
    assert (response.status_code, response.content) == (200, b"")
    assert (await client.get(f"/v2/user/{alice.id}")).status_code == 404
    assert (await client.get(f"/v2/user/{alice.lookup}")).status_code == 404
    assert (await client.post("/v2/users", {"ids": [alice.id]})).json() == {"users": {}}
    assert (await client.put("/v2/user", profile(alice))).status_code == 404
    assert (await client.post("/v2/user/delete", body)).status_code == 404


@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
async def test_day_of_last_access_is_stored(
    client: ApiClient, database: Database, alice: Person, many: bool
) -> None:
    document = database.document(USERS, UUID(alice.id))
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    await update(database, document, {"last_accessed": today - timedelta(days=3)})
    if many:
        await client.post("/v2/users", {"ids": [alice.id]})
    else:
        await client.get(f"/v2/user/{alice.lookup}")
    assert (await find_fields(database, document) or {})["last_accessed"] == today


async def test_password_hash_has_format_of_previous_service(
    database: Database, alice: Person
) -> None:
    stored = await find_fields(database, database.document(USERS, UUID(alice.id))) or {}
    assert re.fullmatch(r"[0-9A-F]{128}", stored["password_hash"])
    assert len(stored["password_salt"]) == 64
    assert alice.password not in str(stored)


async def test_lookup_belongs_to_one_user(database: Database, alice: Person) -> None:
    claim = database.document(LOOKUPS, alice.lookup)
    assert await find_fields(database, claim) == {"user_id": alice.id}


async def test_empty_picture_is_returned_by_every_read_route(
    client: ApiClient, alice: Person
) -> None:
    await client.put("/v2/user", profile(alice, encryptedProfilePicture=b""))
    responses = [
        (await client.get(f"/v2/user/{alice.id}")).json(),
        (await client.get(f"/v2/user/{alice.lookup}")).json(),
        (await client.post("/v2/users", {"ids": [alice.id]})).json()["users"][alice.id],
    ]
    assert [response["encryptedProfilePicture"] for response in responses] == ["", "", ""]
