"""Backups over HTTP. Source: contract, heading "Backups"."""

import asyncio
import gzip
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import httpx2
import pytest

from functions.backup.handlers import MAX_BACKUP_BYTES
from scripts.fakes.cloud_storage import BUCKET, CloudStorage
from scripts.fakes.faults import Fault
from scripts.fakes.settings import WEB_KEY
from shared.backups.bucket import Bucket
from shared.backups.cloud_storage import CloudStorage as Api
from shared.backups.names import time_of
from shared.backups.storage_requests import MAX_ATTEMPTS, StorageRequests
from tests.api_client import ApiClient
from tests.fakes import FakeServers, RunningFake
from tests.functions.backup_server import (
    ALICE,
    BOB,
    FORWARDED,
    RETENTION,
    BackupServer,
    backup_server,
)
from tests.functions.test_general import PREFIXES, assert_problem
from tests.loopback import until
from tests.shared.backups.content import content_of

CONTENT = gzip.compress(b"SECRET-workouts of a phone", mtime=0)
PROBE = {"x-liftlog-probe": "true"}
UNKNOWN_ID = "20261127-120000-000000-0123456789ab"
ROUTES = [
    ("POST", "/backup"),
    ("GET", "/backups"),
    ("GET", "/backup/latest"),
    ("GET", f"/backup/{UNKNOWN_ID}"),
    ("DELETE", f"/backup/{UNKNOWN_ID}"),
]
EVERY_ROUTE = pytest.mark.parametrize(("method", "path"), ROUTES, ids=lambda part: part)


@pytest.fixture
def server(fake_servers: FakeServers, http: httpx.AsyncClient, tmp_path: Path) -> BackupServer:
    return backup_server(fake_servers, http, tmp_path)


async def chunked(content: bytes) -> AsyncIterator[bytes]:
    """Yield a body whose size is not announced."""
    for start in range(0, len(content), 1_000_000):
        yield content[start : start + 1_000_000]


@PREFIXES
async def test_backup_is_stored_listed_read_and_deleted(server: BackupServer, prefix: str) -> None:
    before = datetime.now(UTC)
    stored = await server.send("POST", f"{prefix}/backup", content=CONTENT)
    assert (stored.status_code, stored.content) == (200, b"")
    listed = await server.send("GET", f"{prefix}/backups")
    [backup] = listed.json()["backups"]
    assert backup.keys() == {"id", "createdAt", "sizeBytes"}
    assert backup["sizeBytes"] == len(CONTENT)
    assert before <= datetime.fromisoformat(backup["createdAt"]) <= datetime.now(UTC)
    assert datetime.fromisoformat(backup["createdAt"]) == time_of(backup["id"])
    for path in (f"{prefix}/backup/latest", f"{prefix}/backup/{backup['id']}"):
        read = await server.send("GET", path)
        assert (read.status_code, read.content) == (200, CONTENT)
        assert read.headers["content-type"] == "application/gzip"
        assert read.headers["content-length"] == str(len(CONTENT))
        assert read.headers["etag"] == f'"{backup["id"]}"'
        assert "content-encoding" not in read.headers
    deleted = await server.send("DELETE", f"{prefix}/backup/{backup['id']}")
    assert (deleted.status_code, deleted.content) == (200, b"")
    for method, path in [("GET", "latest"), ("GET", backup["id"]), ("DELETE", backup["id"])]:
        assert_problem(await server.send(method, f"{prefix}/backup/{path}"), 404)
    assert server.files == []


@PREFIXES
@EVERY_ROUTE
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": "wrong-key"},
        {"X-API-Key": ""},
        {"Authorization": f"Bearer {ALICE['X-API-Key']}"},
        {"Authorization": f"Web {WEB_KEY}"},
    ],
    ids=["none", "wrong", "empty", "bearer", "purchase"],
)
async def test_unknown_caller_is_rejected(
    server: BackupServer, prefix: str, method: str, path: str, headers: dict[str, str]
) -> None:
    response = await server.send(method, prefix + path, {**headers, **PROBE})
    assert_problem(response, 401)
    assert "www-authenticate" in response.headers


OFF = {
    "off": (423, {"is_enabled": False}),
    "off and not configured": (423, {"is_enabled": False, "is_configured": False}),
    "not configured": (422, {"is_configured": False}),
}


@EVERY_ROUTE
@pytest.mark.parametrize(("status", "options"), OFF.values(), ids=OFF)
async def test_feature_is_checked_after_the_caller(
    fake_servers: FakeServers,
    http: httpx.AsyncClient,
    tmp_path: Path,
    method: str,
    path: str,
    *,
    status: int,
    options: dict[str, Any],
) -> None:
    server = backup_server(fake_servers, http, tmp_path, **options)
    assert_problem(await server.send(method, f"/v2{path}", {}), 401)
    # Also for a probe, an unknown backup and a body that is too large.
    assert_problem(await server.send(method, path, {**ALICE, **PROBE}), status)
    if method == "POST":
        large = content_of(MAX_BACKUP_BYTES + 1)
        assert_problem(await server.send(method, path, content=large), status)
    assert (await http.get(f"{server.url}/features")).json()["backup"] is False


@PREFIXES
@pytest.mark.parametrize(
    "probe",
    [{"X-LiftLog-Probe": "true"}, {"x-liftlog-probe": ""}, {"X-LIFTLOG-PROBE": "false"}],
    ids=["true", "empty", "false"],
)
async def test_probe_stores_nothing(
    server: BackupServer, prefix: str, probe: dict[str, str]
) -> None:
    alcedo = {**ALICE, **probe, "X-Alcedo-Probe": "true"}
    for content in (b"", CONTENT):
        response = await server.send("POST", f"{prefix}/backup", alcedo, content=content)
        assert (response.status_code, response.content) == (200, b"")
    assert server.files == []


async def test_empty_backup_is_rejected(server: BackupServer) -> None:
    assert_problem(await server.send("POST", "/backup", content=b""), 400)
    assert_problem(await server.send("POST", "/backup", content=chunked(b"")), 400)
    assert server.files == []


@pytest.mark.parametrize("content_type", [None, "application/octet-stream", "text/plain", "x/y"])
@pytest.mark.parametrize("content", [b"plain text", b"{", b"\x00", b"\xff" * 70_000], ids=range(4))
async def test_content_and_its_type_are_not_looked_at(
    server: BackupServer, content: bytes, content_type: str | None
) -> None:
    headers = ALICE if content_type is None else {**ALICE, "Content-Type": content_type}
    assert (await server.send("POST", "/backup", headers, content=content)).status_code == 200
    assert (await server.send("GET", "/backup/latest")).content == content


async def test_encoded_body_is_stored_as_it_came(server: BackupServer) -> None:
    headers = {**ALICE, "Content-Encoding": "gzip"}
    await server.send("POST", "/backup", headers, content=CONTENT)
    assert (await server.send("GET", "/backup/latest")).content == CONTENT


@pytest.mark.parametrize(
    "path",
    ["/backup?user=bob", "/v2/backup?user=bob&x=%ff", "/Backup/", "//backup", "/V2//BACKUP//?user"],
)
async def test_query_and_spelling_of_path_do_not_matter(server: BackupServer, path: str) -> None:
    assert (await server.send("POST", path, content=CONTENT)).status_code == 200
    assert len(await server.backups()) == 1
    assert await server.backups(BOB) == []


async def test_users_see_only_their_own_backups(server: BackupServer) -> None:
    await server.send("POST", "/backup", ALICE, content=b"of alice")
    await server.send("POST", "/backup", BOB, content=b"of bob")
    [of_alice], [of_bob] = await server.backups(ALICE), await server.backups(BOB)
    assert (await server.send("GET", "/backup/latest", BOB)).content == b"of bob"
    for method in ("GET", "DELETE"):
        path = f"/backup/{of_alice['id']}"
        assert_problem(await server.send(method, path, BOB), 404)
    assert (await server.send("GET", f"/backup/{of_bob['id']}", BOB)).content == b"of bob"
    assert await server.backups(ALICE) == [of_alice]


@pytest.mark.parametrize(
    "name",
    ["alice@example.com", "../alice", "..", "a/b", "Ä ö", "x" * 200, "CON", "a\\b", "%2e%2e"],
)
async def test_user_has_any_name(server: BackupServer, name: str) -> None:
    response = await server.http.post(
        f"{server.url}/backup",
        headers=[(FORWARDED.encode(), name.encode())],
        content=CONTENT,
    )
    assert response.status_code == 200
    [file] = server.files
    assert file.parent.parent == server.folder


@pytest.mark.parametrize("backup_id", ["..", "%2e%2e", "..%2f..", "x", UNKNOWN_ID, "latest%00"])
async def test_unknown_id_is_not_found(server: BackupServer, backup_id: str) -> None:
    await server.send("POST", "/backup", content=CONTENT)
    for method in ("GET", "DELETE"):
        response = await server.send(method, f"/backup/{backup_id}")
        assert response.status_code in (404, 405)
    assert len(server.files) == 1


async def test_largest_backup_is_stored(server: BackupServer) -> None:
    content = content_of(MAX_BACKUP_BYTES)
    assert (await server.send("POST", "/backup", content=content)).status_code == 200
    assert (await server.send("GET", "/backup/latest")).content == content


@pytest.mark.parametrize("is_chunked", [False, True], ids=["announced", "chunked"])
async def test_larger_backup_is_refused(server: BackupServer, *, is_chunked: bool) -> None:
    content = content_of(MAX_BACKUP_BYTES + 1)
    body = chunked(content) if is_chunked else content
    assert_problem(await server.send("POST", "/backup", content=body), 413)
    assert server.files == []


@pytest.mark.parametrize("is_chunked", [False, True], ids=["announced", "chunked"])
async def test_backup_over_quota_is_refused(
    fake_servers: FakeServers, http: httpx.AsyncClient, tmp_path: Path, *, is_chunked: bool
) -> None:
    server = backup_server(fake_servers, http, tmp_path, replace(RETENTION, quota_bytes=100_000))
    await server.send("POST", "/backup", content=CONTENT)
    large = content_of(100_001)
    body = chunked(large) if is_chunked else large
    assert_problem(await server.send("POST", "/backup", content=body), 507)
    assert len(await server.backups()) == 1
    fitting = content_of(100_000)
    assert (await server.send("POST", "/backup", content=fitting)).status_code == 200
    assert [each["sizeBytes"] for each in await server.backups()] == [100_000]


async def test_old_backups_expire(
    fake_servers: FakeServers, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    retention = replace(RETENTION, keep=2, keep_days=0)
    server = backup_server(fake_servers, http, tmp_path, retention)
    for number in range(4):
        await server.send("POST", "/backup", content=b"%d" % number * (number + 1))
    assert [each["sizeBytes"] for each in await server.backups()] == [4, 3]


async def test_identical_upload_is_stored_once(server: BackupServer) -> None:
    for _ in range(3):
        response = await server.send("POST", "/backup", content=CONTENT)
        assert (response.status_code, response.content) == (200, b"")
    assert len(await server.backups()) == 1


async def test_disconnected_client_leaves_nothing(server: BackupServer) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        key = f"X-API-Key: {ALICE['X-API-Key']}"
        client.sendall(f"POST /backup HTTP/1.1\r\nHost: x\r\n{key}\r\n".encode())
        client.sendall(b"Content-Length: 5000000\r\n\r\n" + content_of(3_000_000))
        await until(lambda: any(path.stat().st_size > 1_000_000 for path in server.files))
    await until(lambda: not server.files)
    assert await server.backups() == []


async def test_head_has_the_headers_of_get(server: BackupServer) -> None:
    await server.send("POST", "/backup", content=CONTENT)
    [backup] = await server.backups()
    for path in ("/backup/latest", f"/v2/backup/{backup['id']}"):
        head, get = await server.send("HEAD", path), await server.send("GET", path)
        assert (head.status_code, head.content) == (200, b"")
        assert {**head.headers, "date": ""} == {**get.headers, "date": ""}


async def test_range_is_read(server: BackupServer) -> None:
    content = content_of(500_000)
    await server.send("POST", "/backup", content=content)
    part = await server.send("GET", "/backup/latest", {**ALICE, "Range": "bytes=70000-399999"})
    assert (part.status_code, part.content) == (206, content[70_000:400_000])
    assert part.headers["content-range"] == "bytes 70000-399999/500000"
    beyond = await server.send("GET", "/backup/latest", {**ALICE, "Range": "bytes=500000-"})
    assert_problem(beyond, 416)
    assert beyond.headers["content-range"] == "bytes */500000"


async def test_known_backup_is_not_sent_again(server: BackupServer) -> None:
    await server.send("POST", "/backup", content=CONTENT)
    etag = (await server.send("GET", "/backup/latest")).headers["etag"]
    again = await server.send("GET", "/backup/latest", {**ALICE, "If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    await server.send("POST", "/backup", content=CONTENT + b"newer")
    changed = await server.send("GET", "/backup/latest", {**ALICE, "If-None-Match": etag})
    assert (changed.status_code, changed.content) == (200, CONTENT + b"newer")


@pytest.fixture
async def failing_server(
    fake_servers: FakeServers,
    fake_cloud_storage: RunningFake[CloudStorage],
    http: httpx.AsyncClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[BackupServer]:
    """A server whose bucket is down."""

    async def no_pause(_attempt: int) -> None:
        pass

    monkeypatch.setattr("shared.backups.storage_requests.pause", no_pause)
    fake_cloud_storage.server.faults += [Fault(503)] * MAX_ATTEMPTS
    async with httpx2.AsyncClient() as client:
        place = Bucket(Api(fake_cloud_storage.url, BUCKET, StorageRequests(client, None, 60)))
        yield backup_server(fake_servers, http, tmp_path, place=place)


@EVERY_ROUTE
async def test_outage_of_the_place_is_reported(
    failing_server: BackupServer, caplog: pytest.LogCaptureFixture, method: str, path: str
) -> None:
    with caplog.at_level(logging.DEBUG, "shared"):
        response = await failing_server.send(
            method, path, content=CONTENT if method == "POST" else None
        )
    assert_problem(response, 503)
    assert response.headers["retry-after"] == "30"
    assert "alice" not in caplog.text
    assert ("backup failed" in caplog.text) == (method == "POST")


@PREFIXES
async def test_running_function_keeps_backups(client: ApiClient, prefix: str) -> None:
    headers = {"X-API-Key": WEB_KEY, "Content-Type": "application/octet-stream"}
    content = uuid4().bytes

    async def send(method: str, path: str, **options: Any) -> httpx.Response:
        return await client.send(method, prefix + path, headers=headers, **options)

    assert (await send("POST", "/backup", content=content)).status_code == 200
    listed = (await send("GET", "/backups")).json()["backups"]
    # Other tests share the user.
    for backup in listed:
        if (await send("GET", f"/backup/{backup['id']}")).content == content:
            break
    else:
        pytest.fail("the backup is missing")
    assert (await send("DELETE", f"/backup/{backup['id']}")).status_code == 200
    unknown = await client.send("GET", f"{prefix}/backups")
    assert_problem(unknown, 401)


async def test_uploads_at_once_are_all_stored(server: BackupServer) -> None:
    contents = [content_of(1_500_000, number) for number in range(8)]
    stored = await asyncio.gather(
        *(server.send("POST", "/backup", content=each) for each in contents)
    )
    assert {each.status_code for each in stored} == {200}
    read = [
        (await server.send("GET", f"/backup/{each['id']}")).content
        for each in await server.backups()
    ]
    assert sorted(read) == sorted(contents)
