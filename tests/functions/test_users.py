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
from tests.front_door import FrontDoor

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
async def test_a_new_user_has_an_id_a_lookup_and_a_password(door: FrontDoor, prefix: str) -> None:
    answer = await door.post(f"{prefix}/user/create", {})
    assert answer.status_code == 200
    user = answer.json()
    assert user.keys() == {"id", "lookup", "password"}
    assert str(UUID(user["id"])) == user["id"]
    assert str(UUID(user["password"])) == user["password"]
    assert re.fullmatch(r"[a-z][0-9a-z]{11}", user["lookup"])


async def test_no_two_users_are_alike(api: Api) -> None:
    alice, bob = await Person.create(api), await Person.create(api)
    assert len({alice.id, bob.id, alice.password, bob.password}) == 4
    assert alice.lookup != bob.lookup


@PREFIXES
@pytest.mark.parametrize("by", ["id", "lookup"])
async def test_a_fresh_user_is_empty_but_not_null_where_clients_cannot_read_null(
    door: FrontDoor, somebody: Person, prefix: str, by: str
) -> None:
    answer = await door.get(f"{prefix}/user/{getattr(somebody, by)}")
    assert answer.status_code == 200
    assert answer.json() == {
        "id": somebody.id,
        "lookup": somebody.lookup,
        "encryptedCurrentPlan": None,
        "encryptedProfilePicture": None,
        "encryptedName": None,
        "encryptionIV": "",
        "rsaPublicKey": "",
    }


async def test_an_id_is_found_in_capitals_and_answered_in_lower_case(
    door: FrontDoor, somebody: Person
) -> None:
    answer = await door.get(f"/v2/user/{somebody.id.upper()}")
    assert answer.json()["id"] == somebody.id


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
async def test_an_unknown_user_is_not_found(door: FrontDoor, address: str) -> None:
    answer = await door.get(f"/v2/user/{address}")
    assert answer.status_code == 404


@PREFIXES
async def test_what_is_put_is_what_is_read(door: FrontDoor, alice: Person, prefix: str) -> None:
    body = profile(
        alice,
        encryptedCurrentPlan=bytes(range(256)),
        encryptedProfilePicture=b"\xfb\xef\xbe picture",
        encryptedName=b"name",
        encryptionIV=b"iv" * 8,
        rsaPublicKey=b"key",
    )
    answer = await door.put(f"{prefix}/user", body)
    assert (answer.status_code, answer.content) == (200, b"")
    read = (await door.get(f"/v2/user/{alice.id}")).json()
    given = {name: value for name, value in body.items() if name != "password"}
    assert read == {**given, "lookup": alice.lookup}


async def test_a_put_without_a_field_makes_it_null(door: FrontDoor, alice: Person) -> None:
    full = profile(
        alice, encryptedCurrentPlan=b"p", encryptedProfilePicture=b"q", encryptedName=b"n"
    )
    await door.put("/v2/user", full)
    await door.put("/v2/user", profile(alice, encryptionIV=b"i"))
    read = (await door.get(f"/v2/user/{alice.id}")).json()
    assert read["encryptedCurrentPlan"] is None
    assert read["encryptedProfilePicture"] is None
    assert read["encryptedName"] is None
    assert from_text(read["encryptionIV"]) == b"i"


@pytest.mark.parametrize("size", [1, 1_000_000, 1_000_001, 2000 * KIB])
async def test_pictures_of_any_size_come_back_whole(
    door: FrontDoor, alice: Person, size: int
) -> None:
    picture = (bytes(range(251)) * (size // 251 + 1))[:size]
    answer = await door.put("/v2/user", profile(alice, encryptedProfilePicture=picture))
    assert answer.status_code == 200
    read = await door.get(f"/v2/user/{alice.lookup}")
    assert from_text(read.json()["encryptedProfilePicture"]) == picture


async def test_a_smaller_picture_replaces_a_larger_one(door: FrontDoor, alice: Person) -> None:
    await door.put("/v2/user", profile(alice, encryptedProfilePicture=b"a" * 1_500_000))
    await door.put("/v2/user", profile(alice, encryptedProfilePicture=b"b"))
    read = await door.get(f"/v2/user/{alice.id}")
    assert from_text(read.json()["encryptedProfilePicture"]) == b"b"


LIMITS = {
    "encryptedCurrentPlan": 15 * KIB,
    "encryptedProfilePicture": 2000 * KIB,
    "encryptedName": 2 * KIB,
    "encryptionIV": 16,
    "rsaPublicKey": KIB,
}


@pytest.mark.parametrize(("field", "limit"), LIMITS.items(), ids=LIMITS)
async def test_a_field_may_be_as_long_as_its_limit_and_no_longer(
    door: FrontDoor, somebody: Person, field: str, limit: int
) -> None:
    at_limit = await door.put("/v2/user", profile(somebody, **{field: b"x" * limit}))
    above = await door.put("/v2/user", profile(somebody, **{field: b"x" * (limit + 1)}))
    restored = await door.put("/v2/user", profile(somebody))
    assert [r.status_code for r in (at_limit, above, restored)] == [200, 400, 200]
    assert above.json()["errors"] == [{"field": field, "message": f"is longer than {limit} bytes"}]


@pytest.mark.parametrize("field", ["id", "password", "encryptionIV", "rsaPublicKey"])
@pytest.mark.parametrize("how", ["missing", "null", "number"])
async def test_a_put_without_a_required_field_is_refused(
    door: FrontDoor, somebody: Person, field: str, how: str
) -> None:
    body = profile(somebody)
    if how == "missing":
        del body[field]
    else:
        body[field] = None if how == "null" else 7
    answer = await door.put("/v2/user", body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(("length", "status"), [(40, 401), (41, 400)])
async def test_a_password_has_at_most_40_characters(
    door: FrontDoor, somebody: Person, length: int, status: int
) -> None:
    body = profile(somebody) | {"password": "x" * length}
    assert (await door.put("/v2/user", body)).status_code == status


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/v2/user"), ("POST", "/v2/user/delete")], ids=["put", "delete"]
)
async def test_a_wrong_password_is_refused_and_an_unknown_user_not_found(
    door: FrontDoor, somebody: Person, unknown_id: str, method: str, path: str
) -> None:
    wrong = await door.send(method, path, profile(somebody) | {"password": "wrong"})
    unknown = await door.send(method, path, profile(somebody) | {"id": unknown_id})
    assert (wrong.status_code, unknown.status_code) == (401, 404)
    assert (await door.get(f"/v2/user/{somebody.id}")).status_code == 200


@PREFIXES
async def test_many_users_are_read_at_once_and_unknown_ones_left_out(
    door: FrontDoor, alice: Person, bob: Person, unknown_id: str, prefix: str
) -> None:
    await door.put("/v2/user", profile(alice, encryptedProfilePicture=b"a" * 1_200_000))
    await door.put("/v2/user", profile(bob, encryptedName=b"Bob"))
    ids = [alice.id, unknown_id, bob.id.upper(), alice.id]
    answer = await door.post(f"{prefix}/users", {"ids": ids})
    assert answer.status_code == 200
    assert answer.json() == {
        "users": {
            person.id: (await door.get(f"/v2/user/{person.id}")).json() for person in (alice, bob)
        }
    }


@pytest.mark.parametrize(("count", "status"), [(0, 400), (1, 200), (200, 200), (201, 400)], ids=str)
async def test_1_to_200_users_can_be_read_at_once(door: FrontDoor, count: int, status: int) -> None:
    answer = await door.post("/v2/users", {"ids": [str(uuid4()) for _ in range(count)]})
    assert answer.status_code == status
    if status == 200:
        assert answer.json() == {"users": {}}


@pytest.mark.parametrize("ids", [None, "x", ["x"], [7], {}], ids=str)
async def test_ids_have_to_be_a_list_of_ids(door: FrontDoor, ids: object) -> None:
    assert (await door.post("/v2/users", {"ids": ids})).status_code == 400


@PREFIXES
async def test_a_deleted_user_is_gone(door: FrontDoor, alice: Person, prefix: str) -> None:
    await door.put("/v2/user", profile(alice, encryptedProfilePicture=b"p" * 10))
    body = {"id": alice.id, "password": alice.password}
    answer = await door.post(f"{prefix}/user/delete", body)
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await door.get(f"/v2/user/{alice.id}")).status_code == 404
    assert (await door.get(f"/v2/user/{alice.lookup}")).status_code == 404
    assert (await door.post("/v2/users", {"ids": [alice.id]})).json() == {"users": {}}
    assert (await door.put("/v2/user", profile(alice))).status_code == 404
    assert (await door.post("/v2/user/delete", body)).status_code == 404


@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
async def test_the_day_of_the_last_access_is_kept(
    door: FrontDoor, database: Database, alice: Person, many: bool
) -> None:
    document = database.document(USERS, UUID(alice.id))
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    await document.update({"last_accessed": today - timedelta(days=3)})
    if many:
        await door.post("/v2/users", {"ids": [alice.id]})
    else:
        await door.get(f"/v2/user/{alice.lookup}")
    assert (await document.get()).get("last_accessed") == today


async def test_passwords_are_stored_as_the_old_service_stored_them(
    database: Database, alice: Person
) -> None:
    stored = (await database.document(USERS, UUID(alice.id)).get()).to_dict() or {}
    assert re.fullmatch(r"[0-9A-F]{128}", stored["password_hash"])
    assert len(stored["password_salt"]) == 64
    assert alice.password not in str(stored)


async def test_a_lookup_belongs_to_one_user(database: Database, alice: Person) -> None:
    claim = await database.document(LOOKUPS, alice.lookup).get()
    assert claim.to_dict() == {"user_id": alice.id}


async def test_empty_picture_is_returned_by_every_read_route(
    door: FrontDoor, alice: Person
) -> None:
    await door.put("/v2/user", profile(alice, encryptedProfilePicture=b""))
    answers = [
        (await door.get(f"/v2/user/{alice.id}")).json(),
        (await door.get(f"/v2/user/{alice.lookup}")).json(),
        (await door.post("/v2/users", {"ids": [alice.id]})).json()["users"][alice.id],
    ]
    assert [answer["encryptedProfilePicture"] for answer in answers] == ["", "", ""]
