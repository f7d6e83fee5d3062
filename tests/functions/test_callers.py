"""Callers of plans, hubs and backups. Source: contract, heading "Callers"."""

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from scripts.fakes.settings import WEB_KEY
from scripts.local.ports import HOST
from tests.api_client import ApiClient
from tests.functions.chat.running_chat import ChatEndpoint
from tests.functions.conftest import API_KEY, StartServer
from tests.functions.test_ai import SESSION, assert_session

PLANS, HUB, BACKUPS = "plans", "hub", "backups"
HUBS = [prefix + hub for prefix in ("", "/v2") for hub in ("/ai-chat", "/ai-chat-v2")]
EVERYTHING = {PLANS, HUB, BACKUPS}
FORWARD_AUTH = {
    "FORWARD_AUTH_HEADER": "Remote-User",
    "FORWARD_AUTH_TRUSTED_PROXIES": "10.9.8.0/24, 127.0.0.1",
}
PURCHASE = f"Bearer Web {WEB_KEY}"
Headers = dict[str, str]


async def _upgrade(server: ChatEndpoint, path: str, headers: Headers) -> int:
    try:
        async with connect(f"ws://{HOST}:{server.port}{path}", additional_headers=headers):
            return 101
    except InvalidStatus as rejected:
        return rejected.response.status_code


async def permitted(http: httpx.AsyncClient, server: ChatEndpoint, headers: Headers) -> set[str]:
    """Return what a caller with these headers may use; all other requests are answered 401."""
    statuses: dict[str, set[int]] = {
        PLANS: {
            (
                await http.post(server.address + path, content=b"nonsense", headers=headers)
            ).status_code
            for path in ("/ai/session", "/v2/ai/workout")
        },
        HUB: {
            (await http.post(f"{server.address}{hub}/negotiate", headers=headers)).status_code
            for hub in HUBS
        }
        | {await _upgrade(server, hub, headers) for hub in HUBS},
        BACKUPS: {
            (await http.get(server.address + path, headers=headers)).status_code
            for path in ("/backups", "/v2/backups")
        },
    }
    allowed = {PLANS: {400}, HUB: {101, 200}, BACKUPS: {200}}
    assert all(codes in (allowed[name], {401}) for name, codes in statuses.items()), statuses
    return {name for name, codes in statuses.items() if codes == allowed[name]}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, set()),
        ({"X-API-Key": API_KEY}, EVERYTHING),
        ({"x-api-key": API_KEY}, EVERYTHING),
        ({"Remote-User": "alice"}, EVERYTHING),
        ({"remote-USER": "alice@example.org"}, EVERYTHING),
        ({"Authorization": PURCHASE}, {PLANS, HUB}),
        ({"X-API-Key": API_KEY.upper()}, set()),
        ({"X-API-Key": API_KEY[:-1]}, set()),
        ({"X-API-Key": ""}, set()),
        ({"X-API-Key": f"{API_KEY},{API_KEY}"}, set()),
        ({"X-API-Key": f"default={API_KEY}"}, set()),
        ({"X-API-Key": f"Bearer {API_KEY}"}, set()),
        ({"X-API-Key": WEB_KEY}, set()),
        ({"Authorization": f"Bearer {API_KEY}"}, set()),
        ({"Authorization": API_KEY}, set()),
        ({"Authorization": f"Web {API_KEY}"}, set()),
        ({"Remote-User": ""}, set()),
        ({"X-Remote-User": "alice", "X-Forwarded-User": "alice"}, set()),
        ({"Authorization": "Web nonsense", "X-API-Key": "SECRET-wrong"}, set()),
    ],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, set) else "",
)
async def test_one_valid_method_is_enough(
    server_with: StartServer, http: httpx.AsyncClient, headers: Headers, expected: set[str]
) -> None:
    server = server_with(**FORWARD_AUTH)
    assert await permitted(http, server, headers) == expected


@pytest.mark.parametrize(
    "invalid",
    [
        {"Authorization": "Basic U0VDUkVULXVzZXI6U0VDUkVULXBhc3N3b3Jk"},
        {"Authorization": "Web nonsense"},
        {"Authorization": "RevenueCat SECRET-stranger"},
        {"Authorization": "x y z", "X-API-Key": "SECRET-wrong", "Remote-User": ""},
        {"X-API-Key": "SECRET-wrong"},
        {"Remote-User": ""},
    ],
    ids=["basic", "purchase", "unknown customer", "all", "key", "user"],
)
@pytest.mark.parametrize(
    ("valid", "expected"),
    [
        ({"X-API-Key": API_KEY}, EVERYTHING),
        ({"Remote-User": "alice"}, EVERYTHING),
        ({"Authorization": PURCHASE}, {PLANS, HUB}),
    ],
    ids=["key", "user", "purchase"],
)
async def test_valid_method_beside_an_invalid_one_passes(
    server_with: StartServer,
    http: httpx.AsyncClient,
    valid: Headers,
    invalid: Headers,
    expected: set[str],
) -> None:
    server = server_with(**FORWARD_AUTH)
    assert await permitted(http, server, {**invalid, **valid}) == expected


async def test_holder_of_a_key_gets_a_session(
    server_with: StartServer, http: httpx.AsyncClient
) -> None:
    response = await http.post(
        f"{server_with(**FORWARD_AUTH).address}/ai/session",
        json={"attributes": SESSION},
        headers={"X-API-Key": API_KEY},
    )
    assert response.status_code == 200
    assert_session(response.json())


async def test_user_header_of_an_untrusted_peer_is_ignored(
    server_with: StartServer, http: httpx.AsyncClient
) -> None:
    server = server_with(**{**FORWARD_AUTH, "FORWARD_AUTH_TRUSTED_PROXIES": "10.9.8.0/24"})
    forwarded = {"X-Forwarded-For": "10.9.8.7", "Forwarded": "for=10.9.8.7"}
    assert await permitted(http, server, {"Remote-User": "alice", **forwarded}) == set()
    with_key = {"Remote-User": "alice", "X-API-Key": API_KEY}
    assert await permitted(http, server, with_key) == EVERYTHING


async def test_user_header_is_ignored_without_forward_auth(
    server_with: StartServer, http: httpx.AsyncClient
) -> None:
    assert await permitted(http, server_with(), {"Remote-User": "alice"}) == set()


async def test_server_without_api_keys_accepts_none(
    server_with: StartServer, http: httpx.AsyncClient
) -> None:
    server = server_with(API_KEYS="")
    for key in (API_KEY, "", WEB_KEY, "default"):
        assert await permitted(http, server, {"X-API-Key": key}) == set()


@pytest.mark.parametrize(
    "headers",
    [{"X-API-Key": WEB_KEY}, {"Authorization": f"Bearer Web {WEB_KEY}"}],
    ids=["current", "earlier"],
)
async def test_debug_build_signs_in_at_the_development_server(
    client: ApiClient, headers: Headers
) -> None:
    """Contract, "Debug build"."""
    body = {"attributes": SESSION}
    response = await client.send("POST", "/ai/session", body, headers=headers)
    assert response.status_code == 200
    assert_session(response.json())
