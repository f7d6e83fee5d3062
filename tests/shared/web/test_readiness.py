"""Readiness with dependencies that the tests define."""

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from scripts.local.round_trips import RoundTrips
from shared.errors import DependencyFailed, DependencyTimedOut, DependencyUnavailable, Overloaded
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.telemetry.json_lines import JsonFormatter
from shared.telemetry.metrics import Metric
from shared.telemetry.settings import TelemetrySettings
from shared.web import readiness
from shared.web.app import build_app
from shared.web.readiness import Dependency, Readiness
from tests.functions.test_general import assert_problem
from tests.loopback import until
from tests.shared.store.test_round_trips import READ, is_documented

MESSAGE = "SECRET-message"

Check = Callable[[], Awaitable[None]]


class Clock:
    """A clock that the tests advance, for the cache; latencies are measured in real time."""

    perf_counter = staticmethod(time.perf_counter)

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Slow:
    """A check that runs until `may_end` is set, and counts its calls."""

    def __init__(self) -> None:
        self.started = 0
        self.ended = 0
        self.may_end = asyncio.Event()

    async def check(self) -> None:
        self.started += 1
        try:
            await self.may_end.wait()
        finally:
            self.ended += 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(readiness, "time", clock)
    return clock


async def available() -> None:
    pass


async def broken() -> None:
    raise LookupError(MESSAGE)


def failing(error: Exception) -> Check:
    async def check() -> None:
        raise error

    return check


def client(*dependencies: Dependency) -> httpx.AsyncClient:
    """Return a client of an app with these dependencies."""
    transport = httpx.ASGITransport(build_app([], dependencies=dependencies))
    return httpx.AsyncClient(transport=transport, base_url="http://x")


async def response_with(*dependencies: Dependency) -> httpx.Response:
    async with client(*dependencies) as http:
        return await http.get("/v2/health/ready")


@pytest.mark.parametrize("prefix", ["", "/v2"], ids=["installed", "public"])
async def test_service_is_ready_with_all_dependencies(prefix: str) -> None:
    async with client(Dependency("store", available), Dependency("key", available)) as http:
        response = await http.get(f"{prefix}/health/ready", headers={"Origin": "https://a.example"})
    assert response.status_code == 200
    content = response.json()
    assert content == {"status": "ready", "dependencies": {}}
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["access-control-allow-origin"] == "*"
    assert "retry-after" not in response.headers


async def test_service_without_dependencies_is_ready() -> None:
    response = await response_with()
    assert (response.status_code, response.json()) == (200, {"status": "ready", "dependencies": {}})


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_readiness_supports_only_get_and_head(method: str) -> None:
    async with client(Dependency("store", broken)) as http:
        response = await http.request(method, "/health/ready")
    assert_problem(response, 405)
    assert response.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DependencyUnavailable(MESSAGE, 7), "unavailable"),
        (DependencyFailed(MESSAGE, 7), "unavailable"),
        (Overloaded(MESSAGE, 7), "unavailable"),
        (DependencyTimedOut(MESSAGE, 7), "timed out"),
        (LookupError(MESSAGE), "unavailable"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_unavailable_dependency_is_listed_by_name_only(error: Exception, status: str) -> None:
    response = await response_with(Dependency("good", available), Dependency("bad", failing(error)))
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert response.headers["cache-control"] == "no-store"
    content = response.json()
    assert content["status"] == "not ready"
    assert content["dependencies"] == {"bad": {"status": status}}
    assert MESSAGE not in response.text


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the statuses of all dependencies from each log entry."""
    return [
        vars(each)["json_fields"]["dependencies"]
        for each in caplog.records
        if each.getMessage().startswith("dependencies: ")
    ]


@pytest.mark.parametrize("is_set", [True, False], ids=["unavailable", "not set"])
async def test_optional_dependency_is_not_listed(is_set: bool) -> None:
    down = failing(DependencyUnavailable("it", 7))
    response = await response_with(
        Dependency("good", available), Dependency("bad", down, is_needed=False, is_set=is_set)
    )
    assert (response.status_code, response.json()) == (200, {"status": "ready", "dependencies": {}})


@pytest.mark.parametrize("is_needed", [True, False])
async def test_unset_dependency_is_not_checked(
    is_needed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, readiness.logger.name)
    response = await response_with(Dependency("key", broken, is_needed=is_needed, is_set=False))
    assert response.status_code == (503 if is_needed else 200)
    assert response.json()["dependencies"] == ({"key": {"status": "not set"}} if is_needed else {})
    assert logged(caplog) == [
        {"key": {"status": "not set", "isNeeded": is_needed, "latencyMs": None}}
    ]


async def test_all_dependencies_are_logged_and_measured_on_change(
    clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, readiness.logger.name)
    counts: Counter[tuple[str, str]] = Counter()

    def add(_metric: Metric, value: int, *, dependency: str, status: str) -> None:
        counts[dependency, status] += value

    monkeypatch.setattr(readiness, "add", add)
    is_down = iter((False, False, True, True))

    async def check() -> None:
        if next(is_down):
            raise DependencyUnavailable("the database", 1)

    key = Dependency("key", broken, is_needed=False, is_set=False)
    async with client(Dependency("store", check), key) as http:
        for store in ("ok", "ok", "unavailable", "unavailable"):
            await http.get("/health/ready")
            clock.now += 10
            assert +counts == {("store", store): 1, ("key", "not set"): 1}
    states = logged(caplog)
    assert [each["store"]["status"] for each in states] == ["ok", "unavailable"]
    assert all(each["key"]["status"] == "not set" for each in states)
    assert all(each["store"]["latencyMs"] >= 0 for each in states)


async def test_exception_in_check_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    await response_with(Dependency("bad", broken))
    [record] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.getMessage() == "LookupError in the check of bad"
    line = JsonFormatter(TelemetrySettings()).format(record)
    assert "in broken" in json.loads(line)["stack_trace"]
    assert MESSAGE not in line


async def test_cancelled_check_counts_as_unavailable() -> None:
    response = await response_with(Dependency("odd", failing_with_cancellation))
    assert response.json()["dependencies"]["odd"]["status"] == "unavailable"


async def failing_with_cancellation() -> None:
    raise asyncio.CancelledError


async def test_outage_and_recovery_are_logged_once(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, readiness.logger.name)
    is_down = iter((False, True, True, False, False))

    async def check() -> None:
        if next(is_down):
            raise DependencyUnavailable("the database", 1)

    async with client(Dependency("store", check), Dependency("other", available)) as http:
        for _ in range(5):
            await http.get("/health/ready")
            clock.now += 10
    assert [each.getMessage() for each in caplog.records if each.name == readiness.logger.name] == [
        "dependencies: store ok, other ok",
        "not ready: store is unavailable",
        "dependencies: store unavailable, other ok",
        "store is available again",
        "dependencies: store ok, other ok",
    ]


async def test_hanging_checks_time_out_together(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, readiness.logger.name)
    hanging = [Slow() for _ in range(5)]
    slow = [Dependency(f"{n}", each.check) for n, each in enumerate(hanging)]
    response = await Readiness(
        [Dependency("good", available), *slow], check_timeout_s=0.01
    ).respond()
    assert response.status_code == 503
    [found] = logged(caplog)
    assert found.pop("good")["status"] == "ok"
    assert {each["status"] for each in found.values()} == {"timed out"}
    assert [each.started for each in hanging] == [1] * 5
    await until(lambda: [each.ended for each in hanging] == [1] * 5)


async def test_concurrent_and_early_requests_share_a_check(
    clock: Clock,
) -> None:
    slow = Slow()
    async with client(Dependency("store", slow.check)) as http:
        requests = [asyncio.create_task(http.get("/health/ready")) for _ in range(20)]
        await until(lambda: slow.started == 1)
        slow.may_end.set()
        responses = [await each for each in requests]
        clock.now += 0.9
        responses.append(await http.get("/v2/health/ready"))
        responses.append(await http.get("/health/ready"))
    assert {response.status_code for response in responses} == {200}
    assert slow.started == 1


async def test_result_is_cached_for_one_second(clock: Clock) -> None:
    is_down = iter((False, True, False))

    async def check() -> None:
        if next(is_down):
            raise DependencyUnavailable("the database", 5)

    async with client(Dependency("store", check)) as http:
        statuses = []
        for _ in range(3):
            statuses.append((await http.get("/health/ready")).status_code)
            clock.now += 1
    assert statuses == [200, 503, 200]


async def test_disconnect_does_not_cancel_shared_check() -> None:
    slow = Slow()
    before = asyncio.all_tasks()
    async with client(Dependency("store", slow.check)) as http:
        first, second = (asyncio.create_task(http.get("/health/ready")) for _ in range(2))
        await until(lambda: slow.started == 1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert slow.ended == 0
        slow.may_end.set()
        assert (await second).status_code == 200
    await until(lambda: asyncio.all_tasks() <= before)


async def test_check_ends_after_all_clients_disconnect() -> None:
    slow = Slow()
    before = asyncio.all_tasks()
    requests = asyncio.create_task(Readiness([Dependency("s", slow.check)], 0.01).respond())
    await until(lambda: slow.started == 1)
    requests.cancel()
    await until(lambda: asyncio.all_tasks() <= before)
    assert slow.ended == 1


async def test_concurrent_requests_cost_one_read(clock: Clock) -> None:
    trips = RoundTrips()
    database = Database(DatabaseSettings(), trips.open_engine)
    async with client(Dependency("store", database.check)) as http:
        with trips.counted() as calls:
            responses = await asyncio.gather(*(http.get("/health/ready") for _ in range(100)))
        assert {response.status_code for response in responses} == {200}
        assert calls == [READ]
        assert trips.documents == 1
        clock.now += 1
        with trips.counted() as calls:
            await http.get("/health/ready")
        assert calls == [READ]
    assert is_documented("`GET /health/ready`", 1)
