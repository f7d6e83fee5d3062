"""Plans and workouts of real sizes over HTTP, encrypted as apps encrypt them."""

import pytest

from scripts.client import crypto
from scripts.client.api import from_text, to_text
from scripts.client.person import Follows, Person
from tests.api_client import ApiClient
from tests.functions.plans import plan, workout

PREFIXES = pytest.mark.parametrize("prefix", ["", "/v2"], ids=["installed", "public"])
KIB = 1024


@PREFIXES
@pytest.mark.parametrize(
    ("sessions", "sets", "size"),
    [(5, 4, 16_200), (19, 4, 60_900)],
    ids=["a week", "a month"],
)
async def test_real_plan_is_part_of_the_profile(
    client: ApiClient, alice: Person, prefix: str, sessions: int, sets: int, size: int
) -> None:
    content = plan(sessions, sets)
    assert size < len(content) < 1.03 * size
    sealed = crypto.seal(content, alice.aes_key, alice.keys)
    body = {
        "id": alice.id,
        "password": alice.password,
        "encryptedCurrentPlan": to_text(sealed.payload),
        "encryptionIV": to_text(sealed.iv),
        "rsaPublicKey": to_text(alice.keys.public_key_der),
    }
    assert (await client.put(f"{prefix}/user", body)).status_code == 200
    read = (await client.get(f"{prefix}/user/{alice.id}")).json()
    listed = (await client.post(f"{prefix}/users", {"ids": [alice.id]})).json()["users"][alice.id]
    for each in (read, listed):
        received = crypto.Encrypted(
            from_text(each["encryptedCurrentPlan"]), from_text(each["encryptionIV"])
        )
        key = from_text(each["rsaPublicKey"])
        assert crypto.unseal(received, alice.aes_key, key) == content


async def test_profile_with_all_fields_at_their_limits_is_returned(
    client: ApiClient, alice: Person
) -> None:
    profile = {
        "encryptedCurrentPlan": to_text(b"p" * 64 * KIB),
        "encryptedProfilePicture": to_text(b"q" * 2000 * KIB),
        "encryptedName": to_text(b"n" * 2 * KIB),
        "encryptionIV": to_text(b"i" * 16),
        "rsaPublicKey": to_text(b"k" * KIB),
    }
    body = {"id": alice.id, "password": alice.password, **profile}
    assert (await client.put("/v2/user", body)).status_code == 200
    read = (await client.get(f"/v2/user/{alice.id}")).json()
    assert read == {"id": alice.id, "lookup": alice.lookup, **profile}


async def test_long_workout_reaches_followers(alice: Person, bob: Person) -> None:
    content = workout(sets=50)
    assert 54 * KIB < len(content) < 63 * KIB
    secret = await alice.allow_follower()
    event_id = await alice.publish(content)
    follows = Follows(alice.id, secret, alice.aes_key, alice.keys.public_key_der)
    [read], invalid = await bob.fetch(follows)
    assert (read.event_id, read.content, invalid) == (event_id, content, [])


async def test_large_plan_is_shared(client: ApiClient, alice: Person, bob: Person) -> None:
    content, key = plan(sessions=35, sets=5), crypto.new_aes_key()
    assert 115 * KIB < len(content) < 127 * KIB
    profile = {
        "id": alice.id,
        "password": alice.password,
        "encryptionIV": "",
        "rsaPublicKey": to_text(alice.keys.public_key_der),
    }
    assert (await client.put("/v2/user", profile)).status_code == 200
    item_id = await alice.share_plan(content, key)
    assert await bob.open_plan(item_id, key) == content
