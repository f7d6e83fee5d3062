"""Connection tickets: a browser connects with an API key, whose upgrade has only an id."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256

import httpx
import pytest

from shared.auth.tickets import LIFETIME_S, TicketKey
from shared.timestamps import now
from tests.functions.chat.caller_server import (
    ALICE,
    BARE_KEY,
    DEFAULT,
    HEADER,
    KEY,
    CallerServer,
    serve_callers,
)
from tests.functions.chat.running_chat import TOKEN
from tests.functions.chat.test_sign_in import assert_is_problem

VERSION_1 = "?negotiateVersion=1"
CLIENTS = ("httpx", "httpcore", "websockets.client", "asyncio")
"""The loggers of the clients, which this process runs, too."""


@pytest.fixture(scope="module")
def server(http: httpx.AsyncClient) -> Iterator[CallerServer]:
    with serve_callers(http) as server:
        yield server


async def negotiated_id(
    server: CallerServer, headers: dict[str, str], query: str = VERSION_1
) -> str:
    """Return the id that a client sends at the upgrade."""
    response = await server.negotiate(headers, f"/hub/negotiate{query}")
    content = response.json()
    return str(content.get("connectionToken") or content["connectionId"])


@pytest.mark.parametrize("prefix", ["", "/v2"], ids=["bare", "v2"])
@pytest.mark.parametrize("query", [VERSION_1, "?negotiateVersion=0", ""], ids=["1", "0", "absent"])
@pytest.mark.parametrize(
    ("key", "user"), [(KEY, ALICE), (BARE_KEY, DEFAULT)], ids=["alice", "bare"]
)
async def test_upgrade_needs_only_the_id(
    server: CallerServer, key: str, user: object, query: str, prefix: str
) -> None:
    ticket = await negotiated_id(server, {"X-API-Key": key}, query)
    assert await server.connect({}, f"{prefix}/hub?id={ticket}") == user


async def test_connection_id_is_not_a_ticket(server: CallerServer) -> None:
    """Clients show the connection id of version 1 to users, and log it."""
    response = await server.negotiate({"X-API-Key": KEY})
    connection_id = response.json()["connectionId"]
    assert_is_problem(401, await server.server.request_upgrade(f"/hub?id={connection_id}"))


async def test_ticket_is_valid_on_another_instance(
    server: CallerServer, http: httpx.AsyncClient
) -> None:
    ticket = await negotiated_id(server, {"X-API-Key": KEY})
    with serve_callers(http, f"SECRET-new-key,alice={KEY}") as other:
        assert await other.connect({}, f"/hub?id={ticket}") == ALICE


@pytest.mark.parametrize("api_keys", [BARE_KEY, None], ids=["another key", "no key"])
async def test_ticket_ends_with_its_key(
    server: CallerServer, http: httpx.AsyncClient, api_keys: str | None
) -> None:
    ticket = await negotiated_id(server, {"X-API-Key": KEY})
    with serve_callers(http, api_keys) as other:
        assert_is_problem(401, await other.server.request_upgrade(f"/hub?id={ticket}"))


async def test_ticket_expires(server: CallerServer) -> None:
    key = TicketKey(sha256(KEY.encode()).digest())
    fresh, expired = (key.issue(now() - timedelta(seconds=age)) for age in (0, LIFETIME_S + 1))
    assert await server.connect({}, f"/hub?id={fresh}") == ALICE
    assert_is_problem(401, await server.server.request_upgrade(f"/hub?id={expired}"))
    assert await server.connect({"X-API-Key": KEY}, f"/hub?id={expired}") == ALICE


@pytest.mark.parametrize("ticket", ["A" * 72, "A" * 22, "x", "%C3%BC" * 72, ""], ids=len)
async def test_other_id_is_rejected(server: CallerServer, ticket: str) -> None:
    assert_is_problem(401, await server.server.request_upgrade(f"/hub?id={ticket}"))


async def test_ticket_is_for_upgrades_only(server: CallerServer) -> None:
    ticket = await negotiated_id(server, {"X-API-Key": KEY})
    assert_is_problem(401, await server.negotiate({}, f"/hub/negotiate?id={ticket}"))


async def test_other_callers_get_no_ticket(server: CallerServer) -> None:
    """A proxy adds its header to the upgrade, and a purchase token has `access_token`."""
    for headers in ({HEADER: "alice"}, {"Authorization": f"Web {TOKEN}"}):
        presented = await negotiated_id(server, headers)
        assert len(presented) == 22
        assert_is_problem(401, await server.server.request_upgrade(f"/hub?id={presented}"))


async def test_ticket_of_a_user_beside_a_purchase(server: CallerServer) -> None:
    """The caller of both requests is the same: the key wins over the purchase."""
    ticket = await negotiated_id(server, {"X-API-Key": KEY, "Authorization": f"Web {TOKEN}"})
    caller = await server.connect({}, f"/hub?id={ticket}&access_token=Web+{TOKEN}")
    assert caller == ALICE


async def test_log_contains_no_ticket(
    server: CallerServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        ticket = await negotiated_id(server, {"X-API-Key": KEY})
        assert await server.connect({}, f"/hub?id={ticket}") == ALICE
        assert_is_problem(401, await server.server.request_upgrade(f"/hub?id={'A' * 72}"))
    logged = [record for record in caplog.records if not record.name.startswith(CLIENTS)]
    assert logged
    assert not any(ticket in each.getMessage() or "AAAA" in each.getMessage() for each in logged)
