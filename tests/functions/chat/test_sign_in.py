"""Authentication of subscribers, before any other check."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from urllib.parse import quote

import httpx
import pytest
from websockets.http11 import Response

from functions.chat.handlers import ChatHandlers
from shared.errors import DependencyTimedOut, DependencyUnavailable
from shared.purchases.authenticator import Purchase
from tests.caller_auth import caller_auth
from tests.functions.chat.fake_hub import BlockingProvider, FakeHub, open_gate, wait_for_gate
from tests.functions.chat.resource_checks import collect_errors, wait_until_released
from tests.functions.chat.running_chat import (
    TOKEN,
    OneTokenProvider,
    RunningChat,
    serve_chat,
    single_hub,
)
from tests.loopback import until

REJECTED = {
    "empty": "",
    "no store": TOKEN,
    "no token": "Web",
    "bearer alone": "Bearer",
    "bearer without a token": "Bearer Web",
    "bearer without a store": f"Bearer {TOKEN}",
    "unknown store": f"Amazon {TOKEN}",
    "wrong token": "Web SECRET-token-of-another-user",
    "token and more": f"Web {TOKEN} and-more",
    "other scheme": f"Basic {TOKEN}",
}
rejected = pytest.mark.parametrize("presented", REJECTED.values(), ids=REJECTED)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningChat]:
    with serve_chat(single_hub(FakeHub)) as server:
        yield server


async def negotiate(
    http: httpx.AsyncClient, server: RunningChat, query: str = "", header: str | None = None
) -> httpx.Response:
    headers = {} if header is None else {"Authorization": header}
    return await http.post(f"{server.address}/hub/negotiate{query}", headers=headers)


def assert_is_problem(status: int, response: httpx.Response | Response) -> None:
    content = response.content if isinstance(response, httpx.Response) else response.body
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert f'"status": {status}'.encode() in bytes(content or b"")
    assert b"SECRET" not in bytes(content or b"")
    assert "SECRET" not in str(response.headers)


@rejected
async def test_negotiation_requires_a_purchase(
    server: RunningChat, http: httpx.AsyncClient, presented: str
) -> None:
    """Contract, "Purchase tokens" and "General": 401."""
    response = await negotiate(http, server, header=presented)
    assert_is_problem(401, response)
    assert response.headers["www-authenticate"].startswith("Bearer")


@rejected
async def test_connection_requires_a_purchase(server: RunningChat, presented: str) -> None:
    """Contract, "Purchase tokens": rejected before the upgrade."""
    response = await server.request_upgrade(header=presented)
    assert_is_problem(401, response)
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert server.handlers.connection_count == 0


@rejected
async def test_connection_requires_a_purchase_in_the_url(
    server: RunningChat, presented: str
) -> None:
    """Contract, "Purchase tokens": `access_token`."""
    assert_is_problem(401, await server.request_upgrade(f"/hub?access_token={quote(presented)}"))


async def test_connection_requires_a_token(server: RunningChat, http: httpx.AsyncClient) -> None:
    """RFC 6750, section 3: without a token, the response has no error code."""
    for response in (await negotiate(http, server), await server.request_upgrade()):
        assert_is_problem(401, response)
        assert response.headers["www-authenticate"] == 'Bearer realm="LiftLog"'


@pytest.mark.parametrize("prefix", ["", "Bearer ", "bearer "], ids=["bare", "Bearer", "bearer"])
@pytest.mark.parametrize("store", ["Web", "web", "WEB"])
async def test_token_spelling_does_not_matter(
    server: RunningChat, http: httpx.AsyncClient, prefix: str, store: str
) -> None:
    """Contract, "Purchase tokens": with and without `Bearer`; providers in any case."""
    presented = f"{prefix}{store} {TOKEN}"
    assert (await negotiate(http, server, header=presented)).status_code == 200
    assert (await server.request_upgrade(header=presented)).status_code == 101
    from_url = await server.request_upgrade(f"/hub?access_token={quote(presented)}")
    assert from_url.status_code == 101


async def test_space_in_the_url_may_be_a_plus(server: RunningChat) -> None:
    """WHATWG URL, "application/x-www-form-urlencoded": `URLSearchParams` writes it."""
    assert (await server.request_upgrade(f"/hub?access_token=Web+{TOKEN}")).status_code == 101


async def test_header_takes_precedence_over_the_url(server: RunningChat) -> None:
    good, bad = f"Web {TOKEN}", "Web SECRET-other"
    url = f"/hub?access_token={quote(bad)}"
    assert (await server.request_upgrade(url, good)).status_code == 101
    url = f"/hub?access_token={quote(good)}"
    assert_is_problem(401, await server.request_upgrade(url, bad))
    assert_is_problem(401, await server.request_upgrade(url, ""))


async def test_negotiation_ignores_a_token_in_the_url(
    server: RunningChat, http: httpx.AsyncClient
) -> None:
    """Contract, "Purchase tokens": only where browsers cannot set headers."""
    query = f"?access_token={quote(f'Web {TOKEN}')}"
    assert_is_problem(401, await negotiate(http, server, query))


async def test_invalid_token_hides_whether_the_id_is_valid(server: RunningChat) -> None:
    assert_is_problem(401, await server.request_upgrade("/hub?id=malformed", "Web SECRET-other"))


@pytest.mark.parametrize("path", ["/", "/hubs", "/v3/hub", "/v2", "/hub/negotiate"])
async def test_unknown_path_is_not_found(server: RunningChat, path: str) -> None:
    """Contract, "General": 404."""
    assert_is_problem(404, await server.request_upgrade(path, f"Web {TOKEN}"))


@pytest.mark.parametrize(
    ("error", "status"), [(DependencyUnavailable, 503), (DependencyTimedOut, 504)]
)
async def test_unavailable_provider_is_not_a_rejection(
    http: httpx.AsyncClient, error: type[DependencyUnavailable], status: int
) -> None:
    """Contract, "General": with `Retry-After`."""

    class IsDown:
        async def find_purchase(self, _token: str, _now: datetime) -> Purchase | None:
            raise error("the purchase provider", 7)

    chat = ChatHandlers(
        caller_auth({"Google": IsDown(), "Web": OneTokenProvider()}), {"/hub": FakeHub}
    )
    with serve_chat(chat) as server, collect_errors() as errors:
        for response in (
            await negotiate(http, server, header=f"Google {TOKEN}"),
            await server.request_upgrade(header=f"Google {TOKEN}"),
        ):
            assert_is_problem(status, response)
            assert response.headers["retry-after"] == "7"
        assert (await server.request_upgrade(header=f"Web {TOKEN}")).status_code == 101
        await wait_until_released(server)
    assert errors == []


async def test_internal_error_is_a_500() -> None:
    """Contract, "General": never a traceback."""

    class IsBroken:
        async def find_purchase(self, token: str, _now: datetime) -> Purchase | None:
            raise RuntimeError(token)

    with serve_chat(ChatHandlers(caller_auth({"Web": IsBroken()}), {"/hub": FakeHub})) as server:
        assert_is_problem(500, await server.request_upgrade(header=f"Web {TOKEN}"))
        await wait_until_released(server)


async def test_rejection_is_not_logged_as_an_error(server: RunningChat) -> None:
    with collect_errors() as errors:
        assert_is_problem(401, await server.request_upgrade())
        assert_is_problem(404, await server.request_upgrade("/hub?id=malformed", f"Web {TOKEN}"))
        assert_is_problem(404, await server.request_upgrade("/unknown"))
        await wait_until_released(server)
    assert errors == []


@pytest.mark.parametrize("is_entitled", [True, False], ids=["welcome", "refused"])
async def test_early_disconnect_is_not_logged_as_an_error(
    is_entitled: bool,
) -> None:
    provider = BlockingProvider(is_entitled=is_entitled)
    chat = ChatHandlers(caller_auth({"Web": provider}), {"/hub": FakeHub})
    with serve_chat(chat) as server, collect_errors() as errors:
        connecting = asyncio.create_task(server.request_upgrade(header=f"Web {TOKEN}"))
        await wait_for_gate(provider.called)
        connecting.cancel()
        with suppress(asyncio.CancelledError):
            await connecting
        await until(lambda: server.sockets == 0)
        open_gate(provider.released)
        await wait_until_released(server)
    assert errors == []
