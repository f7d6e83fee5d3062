"""Features that are switched off. Source: contract, heading "Switches"."""

import asyncio
import re
from pathlib import Path

import httpx
import pytest

from scripts.client.api import Api
from scripts.client.person import Person
from scripts.local.ports import HOST
from tests.functions.conftest import API_KEY, StartServer, served
from tests.functions.test_general import assert_problem

FEED, SHARING, PLANNER, BACKUP = "feed", "sharing", "aiPlanner", "backup"
VARIABLES = {
    FEED: "FEED_ENABLED",
    SHARING: "SHARING_ENABLED",
    PLANNER: "AI_PLANNER_ENABLED",
    BACKUP: "BACKUP_ENABLED",
}
FEATURES_OF = {
    ("POST", "/user/create"): {FEED, SHARING},
    ("GET", "/user/abcdefghijkl"): {FEED, SHARING},
    ("PUT", "/user"): {FEED, SHARING},
    ("POST", "/user/delete"): {FEED, SHARING},
    ("POST", "/users"): {FEED, SHARING},
    ("PUT", "/event"): {FEED},
    ("POST", "/events"): {FEED},
    ("PUT", "/inbox"): {FEED},
    ("POST", "/inbox"): {FEED},
    ("PUT", "/follow-secret"): {FEED},
    ("POST", "/follow-secret/delete"): {FEED},
    ("POST", "/shareditem"): {SHARING},
    ("GET", "/shareditem/abcdefghijkl"): {SHARING},
    ("POST", "/ai/workout"): {PLANNER},
    ("POST", "/ai/session"): {PLANNER},
    ("POST", "/ai-chat/negotiate"): {PLANNER},
    ("POST", "/ai-chat-v2/negotiate"): {PLANNER},
    ("GET", "/ai-chat"): {PLANNER},
    ("HEAD", "/ai-chat-v2/negotiate"): {PLANNER},
    ("DELETE", "/ai-chat/anything/below"): {PLANNER},
    ("PUT", "//AI-Chat-V2/"): {PLANNER},
    ("POST", "/backup"): {BACKUP},
    ("GET", "/backups"): {BACKUP},
    ("GET", "/backup/latest"): {BACKUP},
    ("GET", "/backup/abcdefghijkl"): {BACKUP},
    ("DELETE", "/backup/abcdefghijkl"): {BACKUP},
    ("GET", "/health"): {"never"},
    ("GET", "/health/ready"): {"never"},
    ("GET", "/features"): {"never"},
}
COMBINATIONS = [{FEED}, {SHARING}, {FEED, SHARING}, {PLANNER}, {BACKUP}, {*VARIABLES}]
WITH_KEY = {"X-API-Key": API_KEY}
PREFIXES = pytest.mark.parametrize("prefix", ["", "/v2"], ids=["installed", "public"])


def switched_off(features: set[str]) -> dict[str, str]:
    """Return the settings that switch features off."""
    return {VARIABLES[each]: "False" for each in features}


@PREFIXES
@pytest.mark.parametrize("off", COMBINATIONS, ids=lambda off: "+".join(sorted(off)))
async def test_route_is_locked_while_all_its_features_are_off(
    server_with: StartServer, http: httpx.AsyncClient, prefix: str, off: set[str]
) -> None:
    base = server_with(**switched_off(off)).address + prefix
    statuses = {
        (method, path): (
            await http.request(method, base + path, content=b"nonsense", headers=WITH_KEY)
        ).status_code
        for method, path in FEATURES_OF
    }
    locked = {route for route, status in statuses.items() if status == 423}
    assert locked == {route for route, features in FEATURES_OF.items() if features <= off}
    assert not {status for status in statuses.values() if status in (401, 501) or status > 423}


async def test_table_contains_every_route(
    server_with: StartServer, http: httpx.AsyncClient
) -> None:
    described = (await http.get(f"{server_with().address}/openapi.json")).json()["paths"]
    routes = {
        (method.upper(), re.sub(r"{\w+}", "abcdefghijkl", path.removeprefix("/v2")))
        for path, methods in described.items()
        for method in methods
    }
    assert routes <= FEATURES_OF.keys()
    assert ("GET", "/user/abcdefghijkl") in routes


@PREFIXES
@pytest.mark.parametrize("off", COMBINATIONS, ids=lambda off: "+".join(sorted(off)))
async def test_features_that_are_off_are_listed_as_false(
    server_with: StartServer, http: httpx.AsyncClient, prefix: str, off: set[str]
) -> None:
    response = await http.get(f"{server_with(**switched_off(off)).address}{prefix}/features")
    assert response.status_code == 200
    assert response.json() == {name: name not in off for name in VARIABLES}


@pytest.fixture
def everything_off(server_with: StartServer) -> str:
    """The URL of a server without any feature."""
    return server_with(**switched_off({*VARIABLES})).address


@pytest.mark.parametrize(
    "spelling", ["/user", "/v2/user", "//user", "/USER/", "/V2//User//", "/%75ser"]
)
async def test_locked_profile_is_never_not_found(
    everything_off: str, http: httpx.AsyncClient, unknown_id: str, spelling: str
) -> None:
    """After a 404, the app would delete its followers."""
    body = {"id": unknown_id, "password": "x", "encryptionIV": "", "rsaPublicKey": ""}
    response = await http.put(everything_off + spelling, json=body)
    assert_problem(response, 423)


async def test_response_of_locked_route_is_a_problem_for_any_origin(
    everything_off: str, http: httpx.AsyncClient
) -> None:
    origin = {"Origin": "https://example.org"}
    for path in ("/v2/events", "/v2/ai-chat-v2/negotiate"):
        preflight = await http.options(
            everything_off + path, headers={**origin, "Access-Control-Request-Method": "POST"}
        )
        assert preflight.status_code == 200
        response = await http.post(everything_off + path, headers=origin)
        assert assert_problem(response, 423)["title"] == "Locked"
        assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("content_length", [10, 900_000_000], ids=["short", "too long"])
@pytest.mark.parametrize(("method", "path"), [("PUT", "/user"), ("POST", "/backup")])
async def test_locked_route_answers_before_it_reads_the_body(
    server_with: StartServer, method: str, path: str, content_length: int
) -> None:
    port = server_with(**switched_off({*VARIABLES})).port
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(
        f"{method} /v2{path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {API_KEY}\r\n"
        f"Content-Length: {content_length}\r\n\r\n".encode()
    )
    async with asyncio.timeout(60):
        status_line = await reader.readline()
    writer.close()
    assert status_line.split()[1] == b"423"


async def test_lock_ends_at_the_segment(everything_off: str, http: httpx.AsyncClient) -> None:
    for path in ("/ai-chat-v3", "/ai-chats/negotiate", "/ai", "/users/x", "/nowhere"):
        assert_problem(await http.post(everything_off + path), 404)


@PREFIXES
@pytest.mark.parametrize("hub", ["/ai-chat", "/ai-chat-v2"])
@pytest.mark.parametrize("header", [None, "Web SECRET-wrong"], ids=["none", "wrong"])
async def test_locked_hub_rejects_the_upgrade(
    server_with: StartServer, prefix: str, hub: str, header: str | None
) -> None:
    server = server_with(**switched_off({PLANNER}))
    assert (await server.request_upgrade(prefix + hub, header)).status_code == 423


@PREFIXES
@pytest.mark.parametrize(
    "headers",
    [{}, {"X-API-Key": "SECRET-wrong"}, {"X-LiftLog-Probe": "true"}],
    ids=["none", "wrong key", "probe"],
)
async def test_locked_backup_needs_a_credential_first(
    everything_off: str, http: httpx.AsyncClient, prefix: str, headers: dict[str, str]
) -> None:
    for method, path in (each for each, features in FEATURES_OF.items() if features == {BACKUP}):
        response = await http.request(method, everything_off + prefix + path, headers=headers)
        assert_problem(response, 401)


async def test_probe_of_locked_backup_is_locked(
    everything_off: str, http: httpx.AsyncClient
) -> None:
    headers = {**WITH_KEY, "X-LiftLog-Probe": "true"}
    assert_problem(await http.post(f"{everything_off}/backup", headers=headers), 423)


async def test_data_survives_a_switch(tmp_path: Path, http: httpx.AsyncClient) -> None:
    with served({}, tmp_path) as server:
        alice = await Person.create(Api({"": server.address}, http))
    with served(switched_off({FEED, SHARING}), tmp_path) as server:
        assert (await http.get(f"{server.address}/user/{alice.id}")).status_code == 423
    with served({}, tmp_path) as server:
        assert (await Api({"": server.address}, http).profile(alice.id)).id == alice.id
