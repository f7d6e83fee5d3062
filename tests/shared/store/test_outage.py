"""The responses of all services during an outage of the database and after it."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import httpx
import pytest

from scripts.client.api import to_text
from scripts.fakes.revenuecat import SUBSCRIBER
from scripts.local.emulator import FIRESTORE, WarmUpError, warm_up
from scripts.local.ports import HOST, SERVICES, url
from scripts.local.services import PROJECT
from scripts.local.stack import Stack, addresses, free_ports
from tests import stack
from tests.api_client import ApiClient
from tests.emulators import emulators
from tests.functions.cleanup.test_cleanup import MESSAGE
from tests.functions.test_ai import SESSION
from tests.functions.test_general import assert_problem

# The defaults add up to 5 s per call, to 2 s per response of a readiness check, and to 3 s until it
# reports a change. A busy machine needs longer.
RESPONSE_TIMEOUT_S = 20
READINESS_TIMEOUT_S = 10
READINESS_CHANGE_TIMEOUT_S = 15
pytestmark = pytest.mark.firestore

USER_ID = "00000000-0000-4000-8000-000000000000"
CREDENTIALS = {"userId": USER_ID, "password": "password"}
INSTANT = "2099-01-01T00:00:00Z"

REQUESTS: dict[str, tuple[str, str, Any]] = {
    "create a user": ("POST", "/v2/user/create", {}),
    "get a user by id": ("GET", f"/v2/user/{USER_ID}", None),
    "get a user by lookup": ("GET", "/v2/user/abcdefghijkl", None),
    "put a user": (
        "PUT",
        "/v2/user",
        {"id": USER_ID, "password": "password", "encryptionIV": "", "rsaPublicKey": ""},
    ),
    "delete a user": ("POST", "/v2/user/delete", {"id": USER_ID, "password": "password"}),
    "get users": ("POST", "/v2/users", {"ids": [USER_ID]}),
    "put an event": (
        "PUT",
        "/v2/event",
        {
            **CREDENTIALS,
            "eventId": USER_ID,
            "encryptedEventPayload": "AAAA",
            "encryptedEventIV": "AAAA",
            "expiry": INSTANT,
        },
    ),
    "get events": (
        "POST",
        "/v2/events",
        {"users": [{"userId": USER_ID, "followSecret": "s", "since": INSTANT}]},
    ),
    "put a follow secret": ("PUT", "/v2/follow-secret", {**CREDENTIALS, "followSecret": "s"}),
    "delete a follow secret": (
        "POST",
        "/v2/follow-secret/delete",
        {**CREDENTIALS, "followSecret": "s"},
    ),
    "put into an inbox": (
        "PUT",
        "/v2/inbox",
        {"toUserId": USER_ID, "encryptedMessage": ["AAAA"]},
    ),
    "empty an inbox": ("POST", "/v2/inbox", CREDENTIALS),
    "share an item": (
        "POST",
        "/v2/shareditem",
        {
            **CREDENTIALS,
            "encryptedPayload": {
                "encryptedPayload": "AAAA",
                "iv": {"value": to_text(b"i" * 16)},
            },
            "expiry": INSTANT,
        },
    ),
    "get a shared item": ("GET", "/v2/shareditem/abcdefghijkl", None),
    "request a session": ("POST", "/v2/ai/session", {"attributes": SESSION}),
}


class Emulator:
    """An emulator that can be stopped and started again on the same port."""

    def __init__(self) -> None:
        self.port = free_ports().firestore
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the emulator; return when it responds."""
        self._process = subprocess.Popen(
            FIRESTORE.command(self.port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while self._process.poll() is None:
            with suppress(WarmUpError):
                warm_up(f"{HOST}:{self.port}", PROJECT)
                return
            time.sleep(0.05)
        raise ChildProcessError("the emulator does not start")

    def stop(self) -> None:
        """Kill the emulator, as in a crash."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def suspend(self) -> None:
        """Suspend the emulator: its connections stay open without a response."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Resume the emulator."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    emulator = Emulator()
    emulator.start()
    yield emulator
    emulator.stop()


@pytest.fixture(scope="module")
def own_stack(emulator: Emulator) -> Iterator[Stack]:
    """A stack on an emulator that the tests stop."""
    environment = {
        **emulators().environment,
        "FIRESTORE_EMULATOR_HOST": f"{HOST}:{emulator.port}",
        **dict.fromkeys(("FIRESTORE_ATTEMPT_TIMEOUT_S", "FIRESTORE_RETRY_FOR_S"), ""),
    }
    with Stack("--isolated", "--emulators", environment=environment) as own_stack:
        yield own_stack
        shutil.copy(own_stack.log, stack.log_folder())


@pytest.fixture(scope="module")
def functions(own_stack: Stack, http: httpx.AsyncClient) -> ApiClient:
    return ApiClient(addresses(own_stack.ports), http)


async def send_all(functions: ApiClient) -> dict[str, tuple[httpx.Response, float]]:
    """Send all requests at once; return the responses and their durations in seconds."""

    async def send(method: str, path: str, body: object) -> tuple[httpx.Response, float]:
        start = time.monotonic()
        # A new purchase: its verification and its count need Firestore.
        subscriber = {"Authorization": f"RevenueCat {SUBSCRIBER}-{uuid4()}"}
        response = await functions.send(method, path, body, headers=subscriber)
        return response, time.monotonic() - start

    responses = await asyncio.gather(*(send(*request) for request in REQUESTS.values()))
    return dict(zip(REQUESTS, responses, strict=True))


async def test_every_route_returns_503_until_the_database_is_back(
    emulator: Emulator, functions: ApiClient
) -> None:
    emulator.stop()
    try:
        for name, (response, seconds) in (await send_all(functions)).items():
            assert_problem(response, 503)
            assert int(response.headers["retry-after"]) > 0
            assert seconds < RESPONSE_TIMEOUT_S, name
    finally:
        emulator.start()
    restarted_at = time.monotonic()
    while True:
        statuses = {
            name: response.status_code
            for name, (response, _) in (await send_all(functions)).items()
        }
        if max(statuses.values()) < 500:
            break
        assert time.monotonic() - restarted_at < RESPONSE_TIMEOUT_S, statuses
    assert statuses["create a user"] == 200
    assert statuses["get a user by id"] == 404


async def test_cleanup_returns_503_until_the_database_is_back(
    emulator: Emulator, functions: ApiClient, own_stack: Stack, http: httpx.AsyncClient
) -> None:
    emulator.stop()
    try:
        response = await http.post(url(own_stack.ports.of("cleanup")), json=MESSAGE)
        assert_problem(response, 503)
    finally:
        emulator.start()
    async with asyncio.timeout(RESPONSE_TIMEOUT_S):
        while response.status_code != 200:
            response = await http.post(url(own_stack.ports.of("cleanup")), json=MESSAGE)


async def test_every_route_times_out_while_the_database_hangs(
    emulator: Emulator, functions: ApiClient
) -> None:
    emulator.suspend()
    try:
        for name, (response, seconds) in (await send_all(functions)).items():
            assert response.status_code in (503, 504), name
            assert int(response.headers["retry-after"]) > 0
            assert seconds < RESPONSE_TIMEOUT_S, name
    finally:
        emulator.resume()
    async with asyncio.timeout(RESPONSE_TIMEOUT_S):
        while (await functions.post("/v2/user/create", {})).status_code != 200:
            pass


class HealthChecks:
    """The readiness and liveness checks of every service with a database."""

    def __init__(self, own_stack: Stack, http: httpx.AsyncClient) -> None:
        names = (name for name in SERVICES if name != "backup")
        self._urls = {name: f"{url(own_stack.ports.of(name))}/health/ready" for name in names}
        self._http = http

    async def readiness(self) -> dict[str, httpx.Response]:
        """Return all responses; fail if one takes too long."""
        async with asyncio.timeout(READINESS_TIMEOUT_S):
            responses = await asyncio.gather(*map(self._http.get, self._urls.values()))
        return dict(zip(self._urls, responses, strict=True))

    async def wait_for(self, status: str) -> None:
        """Return when every service reports this status of the database; fail after a while."""
        started_at = time.monotonic()
        while True:
            responses = await self.readiness()
            # The response contains only the dependencies that fail.
            reported = {
                name: response.json()["dependencies"].get("store", {"status": "ok"})["status"]
                for name, response in responses.items()
            }
            if set(reported.values()) == {status}:
                break
            assert time.monotonic() - started_at < READINESS_CHANGE_TIMEOUT_S, reported
        is_ready = status == "ok"
        for name, response in responses.items():
            assert response.status_code == (200 if is_ready else 503), name
            assert response.json()["status"] == ("ready" if is_ready else "not ready"), name
            assert ("retry-after" in response.headers) != is_ready, name

    async def are_all_alive(self) -> bool:
        """Whether the liveness check of every service succeeds."""
        urls = [each.removesuffix("/ready") for each in self._urls.values()]
        responses = await asyncio.gather(*map(self._http.get, urls))
        return {response.text for response in responses} == {"healthy"}


@pytest.fixture
def checks(own_stack: Stack, http: httpx.AsyncClient) -> HealthChecks:
    return HealthChecks(own_stack, http)


@pytest.mark.parametrize(
    ("fail", "recover", "status"),
    [
        (Emulator.stop, Emulator.start, "unavailable"),
        (Emulator.suspend, Emulator.resume, "timed out"),
    ],
    ids=["stopped", "hanging"],
)
async def test_readiness_follows_the_database(
    emulator: Emulator,
    checks: HealthChecks,
    fail: Callable[[Emulator], None],
    recover: Callable[[Emulator], None],
    status: str,
) -> None:
    await checks.wait_for("ok")
    fail(emulator)
    try:
        await checks.wait_for(status)
        assert await checks.are_all_alive()
    finally:
        recover(emulator)
    await checks.wait_for("ok")
