"""SignalR's official client in a browser, on a page of another origin."""

import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import quote

import pytest

from shared.web.features import Feature, Features
from tests.functions.chat.chat_service import ChatService, run_chat
from tests.functions.chat.chromium_clients import start_page
from tests.functions.chat.client_interface import ConnectionRejectedError, is_growing
from tests.functions.chat.fake_hub import FakeHub
from tests.functions.chat.javascript_clients import Node
from tests.functions.chat.running_chat import TOKEN, serve_chat, single_hub
from tests.functions.chat.tcp_proxy import open_proxy
from tests.loopback import until

pytestmark = pytest.mark.chromium

KEY = "SECRET-key-of-alice"
HEADERS = {"X-API-Key": KEY, "X-Header-Of-A-User": "SECRET-value"}
"""The headers of a user of today's app, which sends no access token."""

RELEASES = {"signalr-8": "/v2", "signalr-10": ""}
"""The releases of the library, and their prefixes."""


@pytest.fixture(scope="module", params=RELEASES)
async def page(request: pytest.FixtureRequest) -> AsyncIterator[Node]:
    async with start_page(request.param, prefix=RELEASES[request.param]) as page:
        yield page


@pytest.fixture(scope="module")
def service() -> Iterator[ChatService]:
    with run_chat(API_KEYS=f"alice={KEY}") as service:
        yield service


@pytest.fixture(params=[False, True], ids=["ai-chat", "ai-chat-v2"])
def is_new(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def test_upgrade_has_the_access_token(
    page: Node, service: ChatService, *, is_new: bool
) -> None:
    """Contract, "Chat": the upgrade has `access_token`."""
    async with open_proxy(service.server.address) as proxy:
        async with page.connect(proxy.address, service.token, is_new=is_new) as client:
            await client.send_message("SECRET-hello")
        preflight, negotiation, upgrade = proxy.requests
    assert is_growing(client.texts)
    assert preflight.startswith("OPTIONS ")
    assert f"authorization: bearer {service.token}".lower() in negotiation.lower()
    assert f"access_token={quote(service.token)}" in upgrade
    assert "authorization:" not in upgrade.lower()


async def test_upgrade_needs_no_api_key(page: Node, service: ChatService, *, is_new: bool) -> None:
    """Contract, "Callers": today's app gives its credentials as plain headers."""
    async with open_proxy(service.server.address) as proxy:
        async with page.connect(proxy.address, None, is_new=is_new, headers=HEADERS) as client:
            await client.send_message("SECRET-hello")
        _preflight, negotiation, upgrade = proxy.requests
    assert is_growing(client.texts)
    assert f"x-api-key: {KEY}".lower() in negotiation.lower()
    assert re.match(rf"GET {page.prefix}/ai-chat(-v2)?\?id=[\w-]{{72}} HTTP", upgrade)
    assert "SECRET" not in upgrade


async def test_client_reconnects_with_an_api_key(page: Node, service: ChatService) -> None:
    async with (
        open_proxy(service.server.address) as proxy,
        page.connect(proxy.address, None, is_new=True, headers=HEADERS, reconnects=True) as client,
    ):
        await client.send_message("SECRET-before")
        proxy.cut()
        await until(lambda: client.events == ["reconnecting", "reconnected"])
        client.clear()
        await client.send_message("SECRET-after")
    assert client.texts


@pytest.mark.parametrize(
    ("token", "headers"),
    [("Web SECRET-wrong", {}), (None, {"X-API-Key": "SECRET-wrong"}), (None, {})],
    ids=["wrong token", "wrong key", "nothing"],
)
async def test_page_reads_why_it_is_rejected(
    page: Node, service: ChatService, token: str | None, headers: dict[str, str], *, is_new: bool
) -> None:
    server = service.server.address
    with pytest.raises(ConnectionRejectedError, match="'401'"):
        async with page.connect(server, token, is_new=is_new, headers=headers):
            pytest.fail("the connection was accepted")


async def test_page_reads_that_the_planner_is_off(page: Node) -> None:
    off = Features(disabled=frozenset({Feature.AI_PLANNER}))
    with (
        serve_chat(single_hub(FakeHub, path="/ai-chat"), features=off) as server,
        pytest.raises(ConnectionRejectedError, match="'423'"),
    ):
        async with page.connect(server.address, f"Web {TOKEN}", is_new=False):
            pytest.fail("the connection was accepted")
