"""SignalR's official client in a browser, on a page of another origin."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from tests.functions.chat.chat_service import ChatService
from tests.functions.chat.chromium_clients import start_page
from tests.functions.chat.client_interface import ConnectionRejectedError, is_growing
from tests.functions.chat.javascript_clients import Node
from tests.functions.chat.tcp_proxy import open_proxy

pytestmark = pytest.mark.chromium


@pytest.fixture(scope="module")
async def page() -> AsyncIterator[Node]:
    async with start_page("signalr-10") as page:
        yield page


@pytest.fixture(params=[False, True], ids=["ai-chat", "ai-chat-v2"])
def is_new(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def test_browser_sends_the_token(page: Node, service: ChatService, *, is_new: bool) -> None:
    """Contract, "Chat": `access_token` on the upgrade."""
    async with open_proxy(service.server.address) as proxy:
        async with page.connect(proxy.address, service.token, is_new=is_new) as client:
            await client.send_message("SECRET-hello")
        assert is_growing(client.texts)
        preflight, negotiation, upgrade = proxy.requests
    assert preflight.startswith("OPTIONS ")
    assert f"authorization: bearer {service.token}".lower() in negotiation.lower()
    assert f"access_token={quote(service.token)}" in upgrade
    assert "authorization:" not in upgrade.lower()


async def test_page_reads_why_it_is_rejected(
    page: Node, service: ChatService, *, is_new: bool
) -> None:
    with pytest.raises(ConnectionRejectedError, match="401"):
        async with page.connect(service.server.address, "Web SECRET-wrong", is_new=is_new):
            pytest.fail("the connection was accepted")
