"""The requests to Cloud Storage of each request, compared with the documentation's table."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import httpx2
import pytest

from scripts.fakes.cloud_storage import BUCKET, CloudStorage
from scripts.root import ROOT
from shared.backups.bucket import Bucket
from shared.backups.cloud_storage import CloudStorage as Api
from shared.backups.place import PART_BYTES
from shared.backups.storage_requests import StorageRequests
from tests.fakes import FakeServers, RunningFake
from tests.functions.backup_server import ALICE, BackupServer, backup_server
from tests.shared.backups.content import content_of

PROBE = {**ALICE, "x-liftlog-probe": "true"}


class Counted:
    """A server on a bucket. Counts the requests that it sends to Cloud Storage."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.server: BackupServer | None = None

    async def note(self, request: httpx2.Request) -> None:
        """Note one request to Cloud Storage."""
        self.sent.append(request.method)

    async def send(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> list[str]:
        """Send a request; return the methods of the requests to Cloud Storage."""
        assert self.server is not None
        self.sent.clear()
        response = await self.server.send(method, path, headers, content=content)
        assert response.status_code == 200, response.text
        return [*self.sent]

    async def newest_id(self) -> str:
        """Return the id of the newest backup."""
        assert self.server is not None
        return str((await self.server.backups())[0]["id"])


@pytest.fixture
async def counted(
    fake_servers: FakeServers,
    fake_cloud_storage: RunningFake[CloudStorage],
    http: httpx.AsyncClient,
    tmp_path: Path,
) -> AsyncIterator[Counted]:
    counted = Counted()
    async with httpx2.AsyncClient(event_hooks={"request": [counted.note]}) as outgoing:
        place = Bucket(Api(fake_cloud_storage.url, BUCKET, StorageRequests(outgoing, None, 60)))
        counted.server = backup_server(fake_servers, http, tmp_path, place=place)
        yield counted


async def test_storage_requests_of_every_request_are_documented(counted: Counted) -> None:
    small, large = content_of(1000), content_of(PART_BYTES + 1)
    seen = {
        "POST /backup": await counted.send("POST", "/backup", small),
        "POST /backup, unchanged": await counted.send("POST", "/backup", small),
        "POST /backup, probe": await counted.send("POST", "/backup", b"", PROBE),
        "GET /backups": await counted.send("GET", "/backups"),
        "GET /backup/latest": await counted.send("GET", "/backup/latest"),
        "GET /backup/{id}": await counted.send("GET", f"/backup/{await counted.newest_id()}"),
        "DELETE /backup/{id}": await counted.send("DELETE", f"/backup/{await counted.newest_id()}"),
    }
    assert seen == {
        "POST /backup": ["GET", "GET", "POST", "PUT", "PATCH"],
        "POST /backup, unchanged": ["GET", "GET"],
        "POST /backup, probe": [],
        "GET /backups": ["GET"],
        "GET /backup/latest": ["GET", "GET"],
        "GET /backup/{id}": ["GET", "GET"],
        "DELETE /backup/{id}": ["DELETE"],
    }
    page = (ROOT / "docs" / "performance.md").read_text()
    for request, sent in seen.items():
        assert f"| `{request}` | {len(sent)} |" in page, request
    further = await counted.send("POST", "/backup", large)
    assert len(further) == len(seen["POST /backup"]) + 1
