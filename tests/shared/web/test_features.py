"""Features: the answer of /features, refused routes, refused hubs."""

from collections.abc import Collection
from typing import Any

import httpx
import pytest
from starlette.websockets import WebSocket

from shared.errors import BackupsNotConfigured, FeatureDisabled, FeatureNotConfigured, LiftLogError
from shared.schemas.wire import Request
from shared.web.app import build_app
from shared.web.features import Feature, Features, FeatureSettings
from shared.web.routes import Route, SocketRoute
from tests.caller_auth import user_auth

KEY = "SECRET-key"
URL = "http://features"
NAMES = ["feed", "sharing", "aiPlanner", "backup"]
OFF = Features(frozenset(Feature))


class Body(Request):
    pass


async def handle(_request: Request, *_caller: object) -> None:
    """Accept a request."""


async def serve(_socket: WebSocket) -> None:
    """Never called."""


def client(features: Features) -> httpx.AsyncClient:
    routes = [
        Route("POST", "/both", "x", Body, None, handle, features=[Feature.FEED, Feature.SHARING]),
        Route("POST", "/feed", "x", Body, None, handle, features=[Feature.FEED]),
        Route("POST", "/hub/negotiate", "x", Body, None, handle, features=[Feature.AI_PLANNER]),
        Route(
            "POST",
            "/backup",
            "x",
            Body,
            None,
            handle,
            auth=user_auth(KEY),
            features=[Feature.BACKUP],
            signs_in_first=True,
        ),
    ]
    app = build_app(routes, [SocketRoute("/hub", serve, [Feature.AI_PLANNER])], features=features)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL)


@pytest.mark.parametrize("path", ["/features", "/v2/features", "//features", "/Features/"])
async def test_features_are_listed_in_order(path: str) -> None:
    async with client(Features()) as http:
        response = await http.get(URL + path, headers={"Authorization": "x", "X-API-Key": "wrong"})
    assert response.status_code == 200
    assert list(response.json().items()) == [(name, True) for name in NAMES]
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_features_have_no_other_method(method: str) -> None:
    async with client(OFF) as http:
        assert (await http.request(method, "/features")).status_code == 405


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("FEED_ENABLED", "feed"),
        ("SHARING_ENABLED", "sharing"),
        ("AI_PLANNER_ENABLED", "aiPlanner"),
        ("BACKUP_ENABLED", "backup"),
        ("AI_PLANNER_CONFIGURED", "aiPlanner"),
        ("BACKUP_CONFIGURED", "backup"),
    ],
)
async def test_setting_removes_one_feature(
    monkeypatch: pytest.MonkeyPatch, variable: str, name: str
) -> None:
    monkeypatch.setenv(variable, "False")
    async with client(Features.of(FeatureSettings())) as http:
        response = await http.get("/features")
    assert response.json() == {each: each != name for each in NAMES}


@pytest.mark.parametrize(
    ("off", "not_configured", "asked", "error"),
    [
        ([], [], [Feature.FEED], None),
        ([Feature.FEED], [], [], None),
        ([Feature.FEED], [], [Feature.FEED, Feature.SHARING], None),
        ([Feature.FEED, Feature.SHARING], [], [Feature.FEED, Feature.SHARING], FeatureDisabled),
        ([], [Feature.AI_PLANNER], [Feature.AI_PLANNER], FeatureNotConfigured),
        ([], [Feature.BACKUP], [Feature.BACKUP], BackupsNotConfigured),
        ([Feature.BACKUP], [Feature.BACKUP], [Feature.BACKUP], FeatureDisabled),
    ],
)
def test_refusal_of_a_route(
    off: Collection[Feature],
    not_configured: Collection[Feature],
    asked: Collection[Feature],
    error: type[LiftLogError] | None,
) -> None:
    features = Features(frozenset(off), frozenset(not_configured))
    assert type(features.refusal(asked)) is (error or type(None))


async def test_disabled_route_is_locked_before_the_body() -> None:
    async with client(OFF) as http:
        for path in ("/both", "/feed", "/v2/feed"):
            response = await http.post(path, content=b"{", headers={"Origin": "http://x"})
            assert response.status_code == 423
            assert response.headers["Content-Type"] == "application/problem+json"
            assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert (await http.get("/feed")).status_code == 405
        assert (await http.get("/other")).status_code == 404


async def test_route_of_two_features_needs_one() -> None:
    async with client(Features(frozenset({Feature.FEED}))) as http:
        assert (await http.post("/both", json={})).status_code == 200
        assert (await http.post("/feed", json={})).status_code == 423


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/hub", "/v2/hub/", "/hub/negotiate", "//HUB//x/y%0Az"])
async def test_disabled_hub_is_locked_for_any_request(method: str, path: str) -> None:
    async with client(OFF) as http:
        assert (await http.request(method, URL + path)).status_code == 423
        assert (await http.request(method, "/hubs")).status_code == 404


async def test_disabled_hub_rejects_sockets() -> None:
    app = build_app([], [SocketRoute("/hub", serve, [Feature.AI_PLANNER])], features=OFF)
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    extensions: dict[str, Any] = {"websocket.http.response": {}}
    scope = {"type": "websocket", "path": "/v2/hub", "headers": [], "query_string": b""}
    await app({**scope, "extensions": extensions}, receive, send)
    assert sent[0]["type"] == "websocket.http.response.start"
    assert sent[0]["status"] == 423


async def test_unknown_caller_learns_nothing_about_backups() -> None:
    async with client(OFF) as http:
        assert (await http.post("/backup")).status_code == 401
        known = {"X-Api-Key": KEY}
        assert (await http.post("/backup", content=b"{", headers=known)).status_code == 423
    async with client(Features(not_configured=frozenset({Feature.BACKUP}))) as http:
        assert (await http.post("/backup", headers=known)).status_code == 422


async def test_internal_service_has_no_features() -> None:
    transport = httpx.ASGITransport(build_app([]))
    async with httpx.AsyncClient(transport=transport, base_url="http://cleanup") as http:
        assert (await http.get("/features")).status_code == 404
