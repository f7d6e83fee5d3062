"""What clients see while the store is down, and after it is back."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import httpx
import pytest

from scripts.client.api import to_text
from scripts.fakes.revenuecat import SUBSCRIBER
from scripts.local.emulator import FIRESTORE, warm_up
from scripts.local.ports import HOST, SERVICES, url
from scripts.local.services import PROJECT
from scripts.local.stack import Stack, addresses, free_ports
from tests import stack
from tests.api_client import ApiClient
from tests.functions.cleanup.test_cleanup import MESSAGE
from tests.functions.test_ai import SESSION
from tests.functions.test_general import assert_problem

WITHIN_S = 20  # the defaults add up to 5 s a call, which a busy machine may stretch
ANSWER_WITHIN_S = 10  # two, on a machine that has nothing else to do
TRUTH_WITHIN_S = 15  # three, the same
SOMEBODY = "00000000-0000-4000-8000-000000000000"
CREDENTIALS = {"userId": SOMEBODY, "password": "password"}
INSTANT = "2099-01-01T00:00:00Z"

REQUESTS: dict[str, tuple[str, str, Any]] = {
    "create a user": ("POST", "/v2/user/create", {}),
    "get a user by id": ("GET", f"/v2/user/{SOMEBODY}", None),
    "get a user by lookup": ("GET", "/v2/user/abcdefghijkl", None),
    "put a user": (
        "PUT",
        "/v2/user",
        {"id": SOMEBODY, "password": "password", "encryptionIV": "", "rsaPublicKey": ""},
    ),
    "delete a user": ("POST", "/v2/user/delete", {"id": SOMEBODY, "password": "password"}),
    "get users": ("POST", "/v2/users", {"ids": [SOMEBODY]}),
    "put an event": (
        "PUT",
        "/v2/event",
        {
            **CREDENTIALS,
            "eventId": SOMEBODY,
            "encryptedEventPayload": "AAAA",
            "encryptedEventIV": "AAAA",
            "expiry": INSTANT,
        },
    ),
    "get events": (
        "POST",
        "/v2/events",
        {"users": [{"userId": SOMEBODY, "followSecret": "s", "since": INSTANT}]},
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
        {"toUserId": SOMEBODY, "encryptedMessage": ["AAAA"]},
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
    "ask for a session": ("POST", "/v2/ai/session", {"attributes": SESSION}),
}


class Emulator:
    """An emulator that can be stopped and started again on the same port."""

    def __init__(self) -> None:
        self.port = free_ports().firestore
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return when it answers."""
        self._process = subprocess.Popen(
            FIRESTORE.command(self.port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while self._process.poll() is None:
            with suppress(httpx.TransportError):
                warm_up(self.port, PROJECT)
                return
            time.sleep(0.05)
        raise ChildProcessError("the emulator does not start")

    def stop(self) -> None:
        """Kill it, as a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Keep it from answering while its connections stay open."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    emulator = Emulator()
    emulator.start()
    yield emulator
    emulator.stop()


@pytest.fixture(scope="module")
def own(emulator: Emulator) -> Iterator[Stack]:
    """A stack of its own, on an emulator that may be stopped."""
    environment = {
        "FIRESTORE_EMULATOR_HOST": f"{HOST}:{emulator.port}",
        **dict.fromkeys(("FIRESTORE_ATTEMPT_TIMEOUT_S", "FIRESTORE_RETRY_FOR_S"), ""),
    }
    with Stack("--isolated", environment=environment) as own:
        yield own
        shutil.copy(own.log, stack.log_folder())


@pytest.fixture(scope="module")
def functions(own: Stack, http: httpx.AsyncClient) -> ApiClient:
    return ApiClient(addresses(own.ports), http)


async def everything(functions: ApiClient) -> dict[str, tuple[httpx.Response, float]]:
    """Make every request at once; return the answers and the seconds they took."""

    async def one(method: str, path: str, body: object) -> tuple[httpx.Response, float]:
        start = time.monotonic()
        # A purchase that nobody has seen yet: Firestore is needed to know it, and to count it.
        subscriber = {"Authorization": f"RevenueCat {SUBSCRIBER}-{uuid4()}"}
        answer = await functions.send(method, path, body, headers=subscriber)
        return answer, time.monotonic() - start

    answers = await asyncio.gather(*(one(*request) for request in REQUESTS.values()))
    return dict(zip(REQUESTS, answers, strict=True))


async def test_every_route_answers_503_while_the_store_is_down_and_serves_again_after(
    emulator: Emulator, functions: ApiClient
) -> None:
    emulator.stop()
    try:
        for what, (answer, seconds) in (await everything(functions)).items():
            assert_problem(answer, 503)
            assert int(answer.headers["retry-after"]) > 0
            assert seconds < WITHIN_S, what
    finally:
        emulator.start()
    back_at = time.monotonic()
    while True:
        statuses = {
            what: answer.status_code for what, (answer, _) in (await everything(functions)).items()
        }
        if max(statuses.values()) < 500:
            break
        assert time.monotonic() - back_at < WITHIN_S, statuses
    assert statuses["create a user"] == 200
    assert statuses["get a user by id"] == 404


async def test_while_the_store_is_down_a_cleanup_asks_for_its_message_again(
    emulator: Emulator, functions: ApiClient, own: Stack, http: httpx.AsyncClient
) -> None:
    emulator.stop()
    try:
        refused = await http.post(url(own.ports.of("cleanup")), json=MESSAGE)
        assert_problem(refused, 503)
    finally:
        emulator.start()
    async with asyncio.timeout(WITHIN_S):
        while refused.status_code != 200:
            refused = await http.post(url(own.ports.of("cleanup")), json=MESSAGE)


async def test_every_route_gives_up_in_time_when_the_store_hangs(
    emulator: Emulator, functions: ApiClient
) -> None:
    emulator.freeze()
    try:
        for what, (answer, seconds) in (await everything(functions)).items():
            assert answer.status_code in (503, 504), what
            assert int(answer.headers["retry-after"]) > 0
            assert seconds < WITHIN_S, what
    finally:
        emulator.thaw()
    async with asyncio.timeout(WITHIN_S):
        while (await functions.post("/v2/user/create", {})).status_code != 200:
            pass


class Watch:
    """Asks every service whether it is ready."""

    def __init__(self, own: Stack, http: httpx.AsyncClient) -> None:
        self._urls = {name: f"{url(own.ports.of(name))}/health/ready" for name in SERVICES}
        self._http = http

    async def answers(self) -> dict[str, httpx.Response]:
        """Return all answers; fail if one takes longer than its checks may."""
        async with asyncio.timeout(ANSWER_WITHIN_S):
            answers = await asyncio.gather(*(self._http.get(each) for each in self._urls.values()))
        return dict(zip(self._urls, answers, strict=True))

    async def until_all_say(self, *statuses: str) -> None:
        """Return once every service says one of these of the store; fail if one does not soon."""
        began = time.monotonic()
        while True:
            answers = await self.answers()
            said = {
                name: answer.json()["dependencies"].get("store", {"status": "ok"})["status"]
                for name, answer in answers.items()
            }
            if set(said.values()) <= set(statuses):
                break
            assert time.monotonic() - began < TRUTH_WITHIN_S, said
        for name, answer in answers.items():
            is_ready = said[name] == "ok"
            assert answer.status_code == (200 if is_ready else 503), name
            assert answer.json()["status"] == ("ready" if is_ready else "not ready"), name
            assert ("retry-after" in answer.headers) != is_ready, name

    async def healthy(self) -> bool:
        """Whether every service's process is alive, whatever else is not."""
        alive = [each.removesuffix("/ready") for each in self._urls.values()]
        answers = await asyncio.gather(*(self._http.get(each) for each in alive))
        return {answer.text for answer in answers} == {"healthy"}


@pytest.fixture
def watch(own: Stack, http: httpx.AsyncClient) -> Watch:
    return Watch(own, http)


async def test_every_service_says_in_time_that_the_store_is_down_and_that_it_is_back(
    emulator: Emulator, watch: Watch
) -> None:
    await watch.until_all_say("ok")
    emulator.stop()
    try:
        await watch.until_all_say("unavailable")
        assert await watch.healthy()
    finally:
        emulator.start()
    await watch.until_all_say("ok")


async def test_every_service_says_in_time_that_the_store_hangs_and_that_it_goes_on(
    emulator: Emulator, watch: Watch
) -> None:
    await watch.until_all_say("ok")
    emulator.freeze()
    try:
        await watch.until_all_say("timed out")
        assert await watch.healthy()
    finally:
        emulator.thaw()
    await watch.until_all_say("ok")
