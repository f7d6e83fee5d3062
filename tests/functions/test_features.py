"""The list of features. Source: contract, heading "Features"."""

import json
from collections.abc import Callable

import httpx
import pytest

from scripts.local.ports import SERVICES, url
from tests import stack
from tests.api_client import ApiClient
from tests.functions.conftest import StartServer
from tests.functions.test_callers import FORWARD_AUTH
from tests.functions.test_general import SPELLED, assert_problem

NAMES = ["feed", "sharing", "aiPlanner", "backup"]
PUBLIC = [name for name in SERVICES if name != "cleanup"]
PREFIXES = pytest.mark.parametrize("prefix", ["", "/v2"], ids=["installed", "public"])
HEADERS = {
    "wrong key": {"X-API-Key": "SECRET-wrong"},
    "empty key": {"X-API-Key": ""},
    "wrong purchase": {"Authorization": "Bearer RevenueCat SECRET-customer"},
    "basic": {"Authorization": "Basic U0VDUkVULXVzZXI6U0VDUkVULXBhc3N3b3Jk"},
    "nonsense": {"Authorization": "SECRET-nonsense \xff"},
    "forward auth": {"Remote-User": "SECRET-user"},
    "invented": {"SECRET-header": "SECRET-value", "x": "", "If-None-Match": "*"},
    "long": {"X-Invented": "SECRET-" + "a" * 7000},
    "probe": {"X-LiftLog-Probe": "true"},
    "conditions": {"Range": "bytes=0-3", "If-Modified-Since": "nonsense", "Accept": "text/html"},
}


def encoded(headers: dict[str, str]) -> dict[bytes, bytes]:
    """Return headers with bytes that httpx does not encode itself."""
    return {name.encode(): value.encode("latin-1") for name, value in headers.items()}


def assert_lists_features(response: httpx.Response) -> None:
    """Check the whole response: an app shows the names in their order."""
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert json.loads(response.text, object_pairs_hook=list) == [(name, True) for name in NAMES]


@pytest.fixture
def base(client: ApiClient) -> str:
    """The address of the server that a user types."""
    return client.url("/user").removesuffix("/user")


@PREFIXES
async def test_app_gets_all_features(http: httpx.AsyncClient, base: str, prefix: str) -> None:
    assert_lists_features(await http.get(f"{base}{prefix}/features"))


@PREFIXES
@pytest.mark.parametrize("service", PUBLIC)
async def test_every_public_service_lists_features(
    http: httpx.AsyncClient, prefix: str, service: str
) -> None:
    address = f"{url(stack.current().of(service))}{prefix}/features"
    assert_lists_features(await http.get(address))


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
async def test_headers_of_the_user_do_not_matter(
    http: httpx.AsyncClient, base: str, headers: dict[str, str]
) -> None:
    assert_lists_features(await http.get(f"{base}/features", headers=encoded(headers)))


@SPELLED
async def test_features_are_found_by_every_spelling(
    http: httpx.AsyncClient, base: str, spelling: Callable[[str], str]
) -> None:
    response = await http.get(base + spelling("/features"))
    assert_lists_features(response)
    assert response.history == []


async def test_query_and_body_do_not_matter(http: httpx.AsyncClient, base: str) -> None:
    address = f"{base}/features?user=SECRET-name&feed=false"
    assert_lists_features(await http.request("GET", address, content=b"nonsense"))


@PREFIXES
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_other_method_is_not_allowed(
    http: httpx.AsyncClient, base: str, prefix: str, method: str
) -> None:
    response = await http.request(method, f"{base}{prefix}/features", content=b"nonsense")
    assert_problem(response, 405)
    assert response.headers["allow"] == "GET, HEAD"


async def test_head_has_no_body(http: httpx.AsyncClient, base: str) -> None:
    response = await http.head(f"{base}/features")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["cache-control"] == "no-store"


async def test_browser_may_send_headers_of_the_user(http: httpx.AsyncClient, base: str) -> None:
    names = "authorization,x-api-key,x-liftlog-probe,x-invented"
    headers = {
        "Origin": "https://example.org",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": names,
    }
    preflight = await http.options(f"{base}/features", headers=headers)
    assert preflight.status_code == 200
    allowed = preflight.headers["access-control-allow-headers"].lower().replace(" ", "")
    assert {*names.split(",")} <= {*allowed.split(",")}
    response = await http.get(f"{base}/features", headers={"Origin": "https://example.org"})
    assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({"OPENAI_API_KEY": "", "OPENAI_BASE_URL": ""}, {"aiPlanner"}),
        ({"API_KEYS": "", "WEB_AUTH_KEY": "", "REVENUECAT_API_KEY": ""}, {"aiPlanner", "backup"}),
        ({"API_KEYS": ""}, {"backup"}),
        ({"API_KEYS": "", **FORWARD_AUTH}, set()),
        ({"WEB_AUTH_KEY": "", "REVENUECAT_API_KEY": ""}, set()),
    ],
    ids=["no model", "no caller", "no caller of backups", "forward auth", "API key"],
)
async def test_unconfigured_feature_is_false(
    server_with: StartServer,
    http: httpx.AsyncClient,
    settings: dict[str, str],
    missing: set[str],
) -> None:
    response = await http.get(f"{server_with(**settings).address}/features")
    assert response.json() == {name: name not in missing for name in NAMES}
