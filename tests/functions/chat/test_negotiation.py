"""The negotiation of a connection."""

import re
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.functions.chat.fake_hub import FakeHub, is_alive
from tests.functions.chat.running_chat import TOKEN, RunningChat, serve_chat, single_hub

ID = re.compile(r"[A-Za-z0-9_-]+")
SIGNED_IN = {"Authorization": f"Bearer Web {TOKEN}"}
WEB_SOCKETS = [{"transport": "WebSockets", "transferFormats": ["Text", "Binary"]}]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningChat]:
    with serve_chat(single_hub(FakeHub)) as server:
        yield server


async def negotiate(
    http: httpx.AsyncClient, server: RunningChat, query: str = "?negotiateVersion=1"
) -> httpx.Response:
    return await http.post(server.address + "/hub/negotiate" + query, headers=SIGNED_IN)


@pytest.mark.parametrize("prefix", ["", "/v2"], ids=["bare", "v2"])
async def test_response_has_the_contract_shape(
    server: RunningChat, http: httpx.AsyncClient, prefix: str
) -> None:
    """Contract, "Chat"; TransportProtocols, "Version 1"."""
    url = f"{server.address}{prefix}/hub/negotiate?negotiateVersion=1"
    response = await http.post(url, headers=SIGNED_IN)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    content = response.json()
    assert content == {
        "negotiateVersion": 1,
        "connectionId": content["connectionId"],
        "connectionToken": content["connectionToken"],
        "availableTransports": WEB_SOCKETS,
    }


@pytest.mark.parametrize("query", ["?negotiateVersion=0", ""], ids=["0", "absent"])
async def test_version_0_has_no_token(
    server: RunningChat, http: httpx.AsyncClient, query: str
) -> None:
    """TransportProtocols, "Version 0", which is the default."""
    content = (await negotiate(http, server, query)).json()
    assert content == {
        "negotiateVersion": 0,
        "connectionId": content["connectionId"],
        "availableTransports": WEB_SOCKETS,
    }


@pytest.mark.parametrize("version", ["2", "99999999999999999999"])
async def test_later_version_gets_the_newest_supported(
    server: RunningChat, http: httpx.AsyncClient, version: str
) -> None:
    """TransportProtocols, "POST [endpoint-base]/negotiate request"."""
    response = await negotiate(http, server, f"?negotiateVersion={version}")
    assert response.json()["negotiateVersion"] == 1


@pytest.mark.parametrize("version", ["-1", "one", "", "1.5"], ids=repr)
async def test_invalid_version_is_a_bad_request(
    server: RunningChat, http: httpx.AsyncClient, version: str
) -> None:
    """Contract, "General": 400."""
    response = await negotiate(http, server, f"?negotiateVersion={version}")
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in response.json()["errors"]] == ["negotiateVersion"]


async def test_ids_are_random_and_safe_in_urls(
    server: RunningChat, http: httpx.AsyncClient
) -> None:
    """Contract, "Chat": no `+`, `/` or `=`."""
    responses = [(await negotiate(http, server)).json() for _ in range(30)]
    ids = [response[name] for response in responses for name in ("connectionId", "connectionToken")]
    assert len(set(ids)) == 60
    assert all(ID.fullmatch(each) for each in ids)


async def test_body_is_ignored(server: RunningChat, http: httpx.AsyncClient) -> None:
    """Contract, "Chat": the body is empty, but some clients send one."""
    url = f"{server.address}/hub/negotiate?negotiateVersion=1"
    response = await http.post(url, headers=SIGNED_IN, content=b"{not JSON")
    assert response.status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_post_is_allowed(
    server: RunningChat, http: httpx.AsyncClient, method: str
) -> None:
    """TransportProtocols, "POST [endpoint-base]/negotiate request"; contract, "General": 405."""
    response = await http.request(method, server.address + "/hub/negotiate", headers=SIGNED_IN)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_other_transports_are_not_found(
    server: RunningChat, http: httpx.AsyncClient, method: str
) -> None:
    """TransportProtocols, "Server-Sent Events", "Long Polling", "HTTP Post": not offered."""
    negotiated_id = (await negotiate(http, server)).json()["connectionToken"]
    response = await http.request(
        method, f"{server.address}/hub?id={negotiated_id}", headers=SIGNED_IN
    )
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


async def test_browsers_may_negotiate_from_any_origin(
    server: RunningChat, http: httpx.AsyncClient
) -> None:
    """Contract, "General": CORS. The official client adds its own headers."""
    url = f"{server.address}/hub/negotiate?negotiateVersion=1"
    headers = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,x-requested-with,x-signalr-user-agent",
    }
    response = await http.options(url, headers=headers)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert "POST" in response.headers["access-control-allow-methods"]
    assert "authorization" in response.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in response.headers
    for headers, status in ((SIGNED_IN, 200), ({"X-Requested-With": "XMLHttpRequest"}, 401)):
        response = await http.post(url, headers={**headers, "Origin": "https://app.example"})
        assert response.status_code == status
        assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("prefix", ["", "/v2"], ids=["bare", "v2"])
async def test_negotiated_ids_are_accepted(
    server: RunningChat, http: httpx.AsyncClient, prefix: str
) -> None:
    """TransportProtocols, "WebSockets": token in version 1, id in version 0."""
    first = (await negotiate(http, server)).json()["connectionToken"]
    second = (await negotiate(http, server, "")).json()["connectionId"]
    for negotiated_id in (first, second):
        async with server.connect_to_hub(f"{prefix}/hub?id={negotiated_id}") as client:
            assert await is_alive(client)


async def test_connection_without_negotiation_is_accepted(server: RunningChat) -> None:
    """TransportProtocols, "WebSockets": `id` is optional."""
    async with server.connect_to_hub("/hub") as client:
        assert await is_alive(client)


@pytest.mark.parametrize("path", ["/hub", "/Hub/", "/V2/HUB", "//v2//hub//"])
@pytest.mark.parametrize("query", ["", "?id="], ids=["no id", "empty id"])
async def test_path_spelling_and_empty_id_are_ignored(
    server: RunningChat, http: httpx.AsyncClient, path: str, query: str
) -> None:
    """Contract of 2026-09, "Decisions of ours"."""
    url = f"{server.address}{path}/Negotiate/?negotiateVersion=1"
    assert (await http.post(url, headers=SIGNED_IN)).status_code == 200
    assert (await http.get(url, headers=SIGNED_IN)).headers["allow"] == "POST"
    async with server.connect_to_hub(path + query) as client:
        assert await is_alive(client)


async def test_any_server_accepts_an_id(server: RunningChat, http: httpx.AsyncClient) -> None:
    negotiated_id = (await negotiate(http, server)).json()["connectionToken"]
    with serve_chat(single_hub(FakeHub)) as other:
        async with other.connect_to_hub(f"/hub?id={negotiated_id}") as client:
            assert await is_alive(client)


@pytest.mark.parametrize(
    "malformed",
    [
        "x",
        "x" * 23,
        "05265228-1e2c-46c5-82a1-6a5bcc3f0143",
        "%2B" * 22,
        "%ff" * 22,
        "%C3%BC" * 22,
    ],
    ids=repr,
)
async def test_malformed_id_is_not_found(server: RunningChat, malformed: str) -> None:
    """TransportProtocols, "WebSockets": 404."""
    with pytest.raises(InvalidStatus) as refused:
        async with server.connect(f"/hub?id={malformed}"):
            pass
    response = refused.value.response
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
