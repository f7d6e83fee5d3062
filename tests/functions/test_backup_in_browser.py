"""Backups of a page of another origin.

Source: contract, heading "Backups".
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes import FakeServers
from tests.functions.backup_server import ALICE, BackupServer, backup_server
from tests.functions.chat.chromium_clients import start_page
from tests.functions.chat.javascript_clients import Node

pytestmark = pytest.mark.chromium

BYTES = {"Content-Type": "application/octet-stream"}
PROBE = {"X-LiftLog-Probe": "true", "X-Alcedo-Probe": "true"}
OWN = {"X-Header-Of-A-User": "SECRET-value"}


@pytest.fixture(scope="module")
async def page() -> AsyncIterator[Node]:
    async with start_page("signalr-10") as page:
        yield page


@pytest.fixture
def server(fake_servers: FakeServers, http: httpx.AsyncClient, tmp_path: Path) -> BackupServer:
    return backup_server(fake_servers, http, tmp_path)


async def fetch(
    page: Node,
    server: BackupServer,
    method: str,
    path: str,
    body: str | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Send a request of the page; by default with Alice's key."""
    options = {"method": method, "headers": headers or ALICE, "body": body}
    response: dict[str, Any] = await page.run("", "fetch", url=server.url + path, options=options)
    return response


@pytest.mark.parametrize("prefix", ["", "/v2"], ids=["bare", "v2"])
async def test_page_stores_and_reads_a_backup(
    page: Node, server: BackupServer, prefix: str
) -> None:
    headers = {**ALICE, **BYTES, **OWN}
    stored = await fetch(page, server, "POST", f"{prefix}/backup", "SECRET-text", headers)
    assert stored["status"] == 200
    listed = await fetch(page, server, "GET", f"{prefix}/backups")
    [backup] = json.loads(listed["text"])["backups"]
    path = f"{prefix}/backup/{backup['id']}"
    part = await fetch(page, server, "GET", path, headers={**ALICE, "Range": "bytes=7-"})
    assert (part["status"], part["text"]) == (206, "text")
    assert part["headers"]["etag"]
    assert part["headers"]["content-range"] == "bytes 7-10/11"
    deleted = await fetch(page, server, "DELETE", path)
    assert deleted["status"] == 200
    missing = await fetch(page, server, "GET", f"{prefix}/backup/latest")
    assert missing["status"] == 404


async def test_probe_of_a_page_stores_nothing(page: Node, server: BackupServer) -> None:
    headers = {**ALICE, **PROBE}
    probed = await fetch(page, server, "POST", "/backup?user=alice", headers=headers)
    assert probed["status"] == 200
    assert not server.files


async def test_page_reads_that_its_key_is_wrong(page: Node, server: BackupServer) -> None:
    headers = {**BYTES, "X-API-Key": "SECRET-wrong"}
    response = await fetch(page, server, "POST", "/backup", "SECRET-text", headers)
    assert response["status"] == 401


@pytest.mark.parametrize(
    ("is_enabled", "is_configured", "status"), [(False, True, 423), (True, False, 422)]
)
async def test_page_reads_that_backups_are_off(
    page: Node,
    fake_servers: FakeServers,
    http: httpx.AsyncClient,
    tmp_path: Path,
    status: int,
    *,
    is_enabled: bool,
    is_configured: bool,
) -> None:
    server = backup_server(
        fake_servers, http, tmp_path, is_enabled=is_enabled, is_configured=is_configured
    )
    response = await fetch(page, server, "POST", "/backup", "SECRET-text", {**ALICE, **BYTES})
    assert response["status"] == status
