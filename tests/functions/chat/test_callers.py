"""Sign-in at the hubs with the headers of today's app: API key, forward auth, purchase token.

Source: contract, heading "Callers".
"""

from collections.abc import Iterator, Mapping

import httpx
import pytest

from shared.auth.named_user import NamedUser
from shared.purchases.authenticator import Purchase, Subscriber
from shared.web.callers import Caller
from tests.functions.chat.caller_server import (
    ALICE,
    BARE_KEY,
    DEFAULT,
    HEADER,
    KEY,
    CallerServer,
    serve_callers,
)
from tests.functions.chat.resource_checks import collect_errors, wait_until_released
from tests.functions.chat.running_chat import TOKEN
from tests.functions.chat.test_sign_in import assert_is_problem

SUBSCRIBER = Subscriber("Web", Purchase.of(TOKEN))
PURCHASE = f"Bearer Web {TOKEN}"
WRONG = "SECRET-wrong-key"

ACCEPTED: Mapping[str, tuple[Mapping[str, str], Caller]] = {
    "key": ({"X-API-Key": KEY}, ALICE),
    "key in small letters": ({"x-api-key": KEY}, ALICE),
    "bare key": ({"X-Api-Key": BARE_KEY}, DEFAULT),
    "key beside Basic": ({"X-API-Key": KEY, "Authorization": "Basic SECRET"}, ALICE),
    "key beside nonsense": ({"X-API-Key": KEY, "Authorization": "Web SECRET"}, ALICE),
    "key beside a purchase": ({"X-API-Key": KEY, "Authorization": PURCHASE}, ALICE),
    "key beside any header": ({"X-API-Key": KEY, "X-SECRET-Header": "SECRET-value"}, ALICE),
    "purchase": ({"Authorization": PURCHASE}, SUBSCRIBER),
    "purchase without Bearer": ({"Authorization": f"Web {TOKEN}"}, SUBSCRIBER),
    "purchase beside a wrong key": ({"Authorization": PURCHASE, "X-API-Key": WRONG}, SUBSCRIBER),
    "purchase beside no name": ({"Authorization": PURCHASE, HEADER: ""}, SUBSCRIBER),
    "forwarded": ({HEADER: "bob@example.org"}, NamedUser("bob@example.org")),
    "forwarded beside a wrong key": ({HEADER: "bob", "X-API-Key": WRONG}, NamedUser("bob")),
    "forwarded beside a key": ({HEADER: "bob", "X-API-Key": KEY}, NamedUser("bob")),
}
REJECTED: Mapping[str, Mapping[str, str]] = {
    "nothing": {},
    "wrong key": {"X-API-Key": WRONG},
    "empty key": {"X-API-Key": ""},
    "key in another case": {"X-API-Key": KEY.lower()},
    "key and more": {"X-API-Key": f"{KEY}x"},
    "key with its user": {"X-API-Key": f"alice={KEY}"},
    "both keys": {"X-API-Key": f"{KEY},{BARE_KEY}"},
    "key as Bearer": {"Authorization": f"Bearer {KEY}"},
    "key as a purchase": {"Authorization": f"Web {KEY}"},
    "no name": {HEADER: ""},
    "wrong key and wrong purchase": {"X-API-Key": WRONG, "Authorization": f"Web {WRONG}"},
}
prefixed = pytest.mark.parametrize("prefix", ["", "/v2"], ids=["bare", "v2"])


@pytest.fixture(scope="module")
def server(http: httpx.AsyncClient) -> Iterator[CallerServer]:
    with serve_callers(http) as server:
        yield server


@prefixed
@pytest.mark.parametrize(("headers", "caller"), ACCEPTED.values(), ids=ACCEPTED)
async def test_each_method_is_enough(
    server: CallerServer, headers: Mapping[str, str], caller: Caller, prefix: str
) -> None:
    response = await server.negotiate(headers, f"{prefix}/hub/negotiate?negotiateVersion=1")
    assert response.status_code == 200
    token = response.json()["connectionToken"]
    for path in (f"{prefix}/hub?id={token}", f"{prefix}/hub"):
        assert await server.connect(headers, path) == caller


@prefixed
@pytest.mark.parametrize("headers", REJECTED.values(), ids=REJECTED)
async def test_invalid_credentials_are_rejected(
    server: CallerServer, headers: Mapping[str, str], prefix: str
) -> None:
    """Contract, "General": 401."""
    with collect_errors() as errors:
        for response in (
            await server.negotiate(headers, f"{prefix}/hub/negotiate"),
            await server.server.request_upgrade(f"{prefix}/hub", headers=headers),
        ):
            assert_is_problem(401, response)
            assert response.headers["www-authenticate"].startswith("Bearer")
        await wait_until_released(server.server)
    assert errors == []


async def test_key_in_the_url_is_rejected(server: CallerServer) -> None:
    """Servers and proxies log URLs."""
    for name in ("access_token", "X-API-Key", "api_key", "id"):
        response = await server.server.request_upgrade(f"/hub?{name}={KEY}")
        assert_is_problem(401, response)


async def test_header_of_an_untrusted_peer_is_ignored(http: httpx.AsyncClient) -> None:
    headers = {HEADER: "bob", "X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1"}
    with serve_callers(http, proxies="10.0.0.0/8,::1") as server:
        assert_is_problem(401, await server.negotiate(headers))
        assert_is_problem(401, await server.server.request_upgrade(headers=headers))
        assert await server.connect({**headers, "X-API-Key": KEY}) == ALICE


async def test_trusted_peer_may_forward_another_address(server: CallerServer) -> None:
    """The immediate peer counts, and a proxy names its own client in `X-Forwarded-For`."""
    headers = {HEADER: "bob", "X-Forwarded-For": "203.0.113.7"}
    assert (await server.negotiate(headers)).status_code == 200
    assert await server.connect(headers) == NamedUser("bob")


async def test_methods_without_settings_are_off(http: httpx.AsyncClient) -> None:
    with serve_callers(http, api_keys=None, proxies=None) as server:
        for headers in ({"X-API-Key": KEY}, {"X-API-Key": ""}, {HEADER: "bob"}):
            assert_is_problem(401, await server.negotiate(headers))
            assert_is_problem(401, await server.server.request_upgrade(headers=headers))
        assert await server.connect({"Authorization": PURCHASE}) == SUBSCRIBER
