"""SignalR's official client as today's app uses it: credentials are plain headers.

Source: contract, heading "Callers".
"""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.functions.chat.chat_service import ChatService, run_chat
from tests.functions.chat.client_interface import ConnectionRejectedError, is_growing
from tests.functions.chat.javascript_clients import Node, Platform, start_node
from tests.functions.chat.tcp_proxy import open_proxy

pytestmark = pytest.mark.node

KEY = "SECRET-key-of-alice"
PURCHASE = "SECRET-purchase"
CREDENTIALS = {
    "key": {"X-API-Key": KEY},
    "key beside Basic": {"X-API-Key": KEY, "Authorization": "Basic SECRET"},
    "purchase": {"Authorization": f"Bearer Web {PURCHASE}"},
    "purchase beside a wrong key": {
        "Authorization": f"Web {PURCHASE}",
        "X-API-Key": "SECRET-wrong",
    },
    "forwarded": {"Remote-User": "SECRET-name"},
}
RELEASES = {"signalr-8": "", "signalr-10": "/v2"}
"""The releases of the library, and their prefixes."""


@pytest.fixture(scope="module")
def service() -> Iterator[ChatService]:
    with run_chat(
        API_KEYS=f"alice={KEY}",
        WEB_AUTH_KEY=PURCHASE,
        FORWARD_AUTH_HEADER="Remote-User",
        FORWARD_AUTH_TRUSTED_PROXIES="127.0.0.1",
    ) as service:
        yield service


@pytest.fixture(scope="module", params=["node", "react-native"])
def platform(request: pytest.FixtureRequest) -> Platform:
    chosen: Platform = request.param
    return chosen


@pytest.fixture(scope="module", params=RELEASES)
async def library(request: pytest.FixtureRequest, platform: Platform) -> AsyncIterator[Node]:
    prefix = RELEASES[request.param]
    async with start_node(request.param, prefix=prefix, platform=platform) as library:
        yield library


@pytest.mark.parametrize("headers", CREDENTIALS.values(), ids=CREDENTIALS)
@pytest.mark.parametrize("is_new", [False, True], ids=["ai-chat", "ai-chat-v2"])
async def test_both_requests_have_the_headers(
    library: Node, service: ChatService, headers: dict[str, str], *, is_new: bool
) -> None:
    async with open_proxy(service.server.address) as proxy:
        async with library.connect(proxy.address, None, is_new=is_new, headers=headers) as client:
            await client.send_message("SECRET-hello")
        assert is_growing(client.texts)
        assert proxy.statuses == [200, 101]
        for request in proxy.requests:
            assert "access_token" not in request
            for name, value in headers.items():
                assert f"{name}: {value}".lower() in request.lower()


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-API-Key": "SECRET-wrong"}, {"Authorization": f"Bearer {KEY}"}, {"Remote-User": ""}],
    ids=["none", "wrong key", "key as Bearer", "no name"],
)
@pytest.mark.parametrize("negotiates", [True, False], ids=["negotiating", "at the socket"])
async def test_invalid_credentials_get_401(
    library: Node, service: ChatService, headers: dict[str, str], *, negotiates: bool
) -> None:
    async with open_proxy(service.server.address) as proxy:
        with pytest.raises(ConnectionRejectedError):
            async with library.connect(
                proxy.address, None, is_new=True, headers=headers, negotiates=negotiates
            ):
                pytest.fail("the connection was accepted")
        assert set(proxy.statuses) == {401}
