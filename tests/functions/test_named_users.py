"""Users of API keys and of forward auth. Source: contract, heading "Callers"."""

from uuid import uuid4

import httpx

from tests.functions.conftest import API_KEY, StartServer
from tests.functions.test_ai import SESSION
from tests.functions.test_callers import FORWARD_AUTH

KEYS = {
    "alice": ["SECRET-alice-first", "SECRET-alice-second"],
    "bob@example.org": ["SECRET=bob=key"],
    "default": ["SECRET-bare-key", "U0VDUkVULWtleQ==", "short=1234567"],
}
"""Keys by user. The last two of `default` contain `=`, but not 8 characters after it."""


def api_keys() -> str:
    """Return the value of `API_KEYS` for `KEYS`."""
    pairs = [f"{user}={key}" for user, keys in KEYS.items() for key in keys if user != "default"]
    return ",".join([*pairs, *KEYS["default"]])


async def test_every_key_belongs_to_its_user(
    server_with: StartServer, http: httpx.AsyncClient
) -> None:
    server = server_with(API_KEYS=api_keys())
    for user, keys in KEYS.items():
        for key in keys:
            content = f"SECRET-backup of {user} {uuid4()}".encode()
            saved = await http.post(
                f"{server.address}/backup", content=content, headers={"X-API-Key": key}
            )
            assert saved.status_code == 200
    for user, keys in KEYS.items():
        listed = [
            (await http.get(f"{server.address}/backups", headers={"X-API-Key": key})).json()[
                "backups"
            ]
            for key in keys
        ]
        assert len(listed[0]) == len(keys), user
        assert all(each == listed[0] for each in listed)


async def test_user_of_forward_auth_wins_over_user_of_key(
    server_with: StartServer, http: httpx.AsyncClient
) -> None:
    server = server_with(**FORWARD_AUTH)
    user = {"Remote-User": f"carol-{uuid4()}@example.org"}
    both = {**user, "X-API-Key": API_KEY}
    content = f"SECRET-backup {uuid4()}".encode()
    assert (await http.post(f"{server.address}/backup", content=content, headers=both)).is_success
    latest = await http.get(f"{server.address}/backup/latest", headers=user)
    assert latest.content == content


async def test_keys_of_one_user_share_a_rate_limit(
    server_with: StartServer, http: httpx.AsyncClient
) -> None:
    server = server_with(API_KEYS=api_keys(), RATE_LIMIT_MOBILE="2", RATE_LIMIT_WEB="1")
    (first, second), (other,), bare = KEYS.values()
    statuses = [
        (
            await http.post(
                f"{server.address}/ai/session",
                json={"attributes": SESSION},
                headers={"X-API-Key": key},
            )
        ).status_code
        for key in (first, second, first, other, bare[0], bare[1])
    ]
    assert statuses == [200, 200, 429, 200, 200, 429]
