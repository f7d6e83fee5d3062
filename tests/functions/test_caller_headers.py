"""Headers that users invent: they do no harm, and no log contains them.

Source: contract, headings "Backends" and "What stays private". The log of each server is searched
at the end of the run, see `tests/leaks.py`.
"""

from itertools import product
from pathlib import Path

import httpx
import pytest

from scripts.client.api import Api
from scripts.client.person import Person
from scripts.self_hosted.errors import CannotServeError
from scripts.self_hosted.settings_file import check
from tests.functions.conftest import StartServer
from tests.functions.test_callers import FORWARD_AUTH
from tests.functions.test_users import profile
from tests.leaks import MARK

VALUES = {
    "empty": "",
    "secret": f"{MARK}value",
    "long": MARK + "a" * 6000,
    "utf-8": f"{MARK}Jos\u00e9 \u6f22\u5b57 \U0001f3cb".encode().decode("latin-1"),
    "tab": f"{MARK}\tvalue",
    "path": f"../../{MARK}/%2e%2e/\\..\\",
    "format": f"{MARK}%s {{0}} ${{HOME}} ; DROP TABLE",
    "separators": f"{MARK},a=b;c,,==",
}
NAMES = ["X-API-Key", "Authorization", "Remote-User", "X-Forwarded-For", f"{MARK}Invented"]
ROUTES = [
    ("POST", "/ai/session"),
    ("POST", "/ai-chat-v2/negotiate"),
    ("POST", "/backup"),
    ("GET", "/backups"),
    ("GET", "/features"),
]
EVERY_VALUE = pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)


def headers_of(value: str) -> dict[bytes, bytes]:
    """Return the same value under every name."""
    return {name.encode(): value.encode("latin-1") for name in NAMES}


@EVERY_VALUE
async def test_routes_without_callers_ignore_headers(
    server_with: StartServer, http: httpx.AsyncClient, value: str
) -> None:
    """An app sends the headers of a backend with every request of the feed."""
    server = server_with(**FORWARD_AUTH)
    headers = headers_of(value)
    async with httpx.AsyncClient(headers=headers, timeout=60) as with_headers:
        alice = await Person.create(Api({"": server.address}, with_headers))
        put = await with_headers.put(f"{server.address}/user", json=profile(alice))
        assert put.status_code == 200
        read = await with_headers.get(f"{server.address}/v2/user/{alice.id}")
        assert read.json()["id"] == alice.id
        feed = {"users": [{"userId": alice.id, "followSecret": "s", "since": "2000-01-01T00:00Z"}]}
        assert (await with_headers.post(f"{server.address}/events", json=feed)).status_code == 200
        assert (await with_headers.get(f"{server.address}/health")).text == "healthy"


@EVERY_VALUE
async def test_strange_header_does_not_fail_the_server(
    server_with: StartServer, http: httpx.AsyncClient, value: str
) -> None:
    server = server_with(**FORWARD_AUTH)
    for name, (method, path) in product(NAMES, ROUTES):
        header = {name.encode(): value.encode("latin-1")}
        response = await http.request(method, server.address + path, content=b"x", headers=header)
        assert response.status_code in (200, 400, 401), (name, path)
        assert MARK not in response.text


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        ({"API_KEYS": f"alice={MARK}long-enough,1234567"}, "API_KEYS"),
        ({"FORWARD_AUTH_HEADER": "Remote-User"}, "FORWARD_AUTH_TRUSTED_PROXIES"),
        (FORWARD_AUTH | {"FORWARD_AUTH_TRUSTED_PROXIES": ","}, "FORWARD_AUTH_TRUSTED_PROXIES"),
        (FORWARD_AUTH | {"FORWARD_AUTH_TRUSTED_PROXIES": "10.0.0.0/33"}, "FORWARD_AUTH"),
        (FORWARD_AUTH | {"FORWARD_AUTH_TRUSTED_PROXIES": "127.0.0.1,caddy"}, "FORWARD_AUTH"),
    ],
    ids=["short key", "no proxies", "empty list", "no network", "host name"],
)
def test_invalid_caller_settings_prevent_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: dict[str, str], variable: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CannotServeError, match=variable) as error:
        check(tmp_path / "settings.env")
    assert MARK not in str(error.value)
