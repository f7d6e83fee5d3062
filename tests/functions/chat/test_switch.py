"""The hubs of a server whose AI planner is off.

Source: contract, heading "Features".
"""

from collections.abc import Iterator

import httpx
import pytest

from shared.web.features import Feature, Features
from tests.functions.chat.fake_hub import FakeHub
from tests.functions.chat.resource_checks import collect_errors, wait_until_released
from tests.functions.chat.running_chat import TOKEN, RunningChat, serve_chat, single_hub
from tests.functions.chat.test_sign_in import assert_is_problem

PLANNER = frozenset({Feature.AI_PLANNER})
STATES = {423: Features(disabled=PLANNER), 501: Features(not_configured=PLANNER)}
PATHS = ["/hub", "/hub/", "/v2/hub", "/HUB", "/hub/negotiate", "/v2/hub/negotiate", "/hub/a/b"]
CREDENTIALS = [None, f"Web {TOKEN}", "Web SECRET-wrong"]


@pytest.fixture(scope="module", params=STATES)
def status(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def server(status: int) -> Iterator[RunningChat]:
    with serve_chat(single_hub(FakeHub), features=STATES[status]) as server:
        yield server


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_every_request_is_rejected(
    server: RunningChat, http: httpx.AsyncClient, status: int, method: str, path: str
) -> None:
    """Without credentials too. A page of another origin can read the status."""
    headers = {"Origin": "https://app.example"}
    response = await http.request(method, server.address + path, headers=headers)
    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("credentials", CREDENTIALS, ids=["none", "valid", "wrong"])
@pytest.mark.parametrize("path", PATHS)
async def test_every_upgrade_is_rejected(
    server: RunningChat, status: int, path: str, credentials: str | None
) -> None:
    with collect_errors() as errors:
        assert_is_problem(status, await server.request_upgrade(path, credentials))
        await wait_until_released(server)
    assert errors == []


async def test_body_is_not_read(server: RunningChat, http: httpx.AsyncClient, status: int) -> None:
    response = await http.post(f"{server.address}/hub/negotiate", content=b"x" * 5_000_000)
    assert_is_problem(status, response)


async def test_preflight_is_answered(server: RunningChat, http: httpx.AsyncClient) -> None:
    """Otherwise a page could not read the status of the request."""
    headers = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-api-key",
    }
    response = await http.options(f"{server.address}/hub/negotiate", headers=headers)
    assert response.status_code == 200
    assert response.headers["access-control-allow-headers"] == "x-api-key"


async def test_other_paths_are_served(server: RunningChat, http: httpx.AsyncClient) -> None:
    assert (await http.get(f"{server.address}/health")).text == "healthy"
    features = (await http.get(f"{server.address}/features")).json()
    assert features["aiPlanner"] is False
    assert features["feed"] is True
    for path in ("/", "/hubs", "/hub-2"):
        assert_is_problem(404, await server.request_upgrade(path))
