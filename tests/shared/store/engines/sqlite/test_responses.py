"""Responses and log of all services while their database file cannot be written."""

import asyncio
import os
import resource
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from scripts.client.api import Api
from scripts.client.person import Person
from scripts.local.ports import url
from scripts.local.stack import free_ports
from scripts.root import ROOT
from tests.functions.test_events import event, followed
from tests.functions.test_general import assert_problem

START_TIMEOUT_S = 60
REQUESTS = 20


class Services:
    """All services in one process, on a database file."""

    def __init__(self, path: Path) -> None:
        ports = free_ports()
        self.url, self.url_of_users = url(ports.base), url(ports.of("users"))
        self._log = ""
        # A pipe: the limit of file sizes does not apply to it.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "scripts.local.gateway", "--port", str(ports.base)],
            cwd=ROOT,
            env={
                **os.environ,
                "DATABASE_FILE": str(path),
                "FIRESTORE_RETRY_FOR_S": "0.5",
                "LOG_FORMAT": "text",
            },
            stderr=subprocess.PIPE,
            text=True,
        )

    async def wait(self, http: httpx.AsyncClient) -> None:
        """Return when the services respond."""
        async with asyncio.timeout(START_TIMEOUT_S):
            while self._process.poll() is None:
                with suppress(httpx.TransportError):
                    if (await http.get(f"{self.url}/health")).is_success:
                        return
                await asyncio.sleep(0.05)
        raise ChildProcessError("the services do not start")

    def limit_file_size(self, limit: int | None) -> None:
        """Let each write beyond `limit` fail, as on a full disk. None: no limit."""
        pid = self._process.pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if limit is None else limit, hard))

    def stop(self) -> list[str]:
        """Stop the services; return the lines of the log."""
        if self._process.returncode is None:
            self._process.terminate()
            self._log = self._process.communicate()[1]
        return self._log.splitlines()


@pytest.fixture
async def services(tmp_path: Path, http: httpx.AsyncClient) -> AsyncIterator[Services]:
    services = Services(tmp_path / "data.db")
    try:
        await services.wait(http)
        yield services
    finally:
        services.stop()


async def test_full_disk_returns_503_until_there_is_room(
    services: Services, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    alice = await Person.create(Api({"": services.url}, http))
    secret = await alice.allow_follower()

    async def put() -> httpx.Response:
        return await http.put(f"{services.url}/v2/event", json=event(alice))

    async def number_of_events() -> int:
        body = {"users": [followed(alice, secret)]}
        response = await http.post(f"{services.url}/v2/events", json=body)
        return len(response.json()["events"])

    assert (await put()).status_code == 200
    services.limit_file_size(1)
    for response in await asyncio.gather(*(put() for _ in range(REQUESTS))):
        problem = assert_problem(response, 503)
        assert problem["detail"] == "the database is unavailable at the moment"
        assert int(response.headers["retry-after"]) > 0
        assert await number_of_events() == 1
    # Reads do not depend on the space.
    assert (await http.get(f"{services.url_of_users}/health/ready")).status_code == 200
    services.limit_file_size(None)
    assert (await put()).status_code == 200
    assert await number_of_events() == 2
    log = services.stop()
    assert not [line for line in log if "Traceback" in line]
    of_engine = [line for line in log if str(tmp_path) in line]
    assert [" cannot write " in line for line in of_engine] == [True, False]
    assert len([line for line in log if " 503 " in line]) == REQUESTS
