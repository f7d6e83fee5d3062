"""Whether everything is there, with dependencies made for the purpose."""

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
    """Time that passes when it is told to, for what is remembered; latencies are real."""

    perf_counter = staticmethod(time.perf_counter)

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Slow:
    """A check that takes until it may end, and is counted."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0
        self.may_end = asyncio.Event()

    async def check(self) -> None:
        self.begun += 1
        try:
            await self.may_end.wait()
        finally:
            self.ended += 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(readiness, "time", clock)
    return clock


async def there() -> None:
    pass


async def broken() -> None:
    raise LookupError(MESSAGE)


def failing(error: Exception) -> Check:
    async def check() -> None:
        raise error

    return check


def client(*dependencies: Dependency) -> httpx.AsyncClient:
    """Return a client of an app that has these."""
    transport = httpx.ASGITransport(build_app([], dependencies=dependencies))
    return httpx.AsyncClient(transport=transport, base_url="http://x")


async def asked(*dependencies: Dependency) -> httpx.Response:
    async with client(*dependencies) as http:
        return await http.get("/v2/health/ready")


@pytest.mark.parametrize("prefix", ["", "/v2"], ids=["installed", "public"])
async def test_with_everything_at_hand_it_is_ready(prefix: str) -> None:
    async with client(Dependency("store", there), Dependency("key", there)) as http:
        answer = await http.get(f"{prefix}/health/ready", headers={"Origin": "https://a.example"})
    assert answer.status_code == 200
    content = answer.json()
    assert content == {"status": "ready", "dependencies": {}}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "retry-after" not in answer.headers


async def test_who_depends_on_nothing_is_ready() -> None:
    answer = await asked()
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "dependencies": {}})


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_readiness_can_only_be_read(method: str) -> None:
    async with client(Dependency("store", broken)) as http:
        answer = await http.request(method, "/health/ready")
    assert_problem(answer, 405)
    assert answer.headers["allow"] == "GET, HEAD"


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
async def test_what_cannot_be_had_is_named_and_no_more_is_told(
    error: Exception, status: str
) -> None:
    answer = await asked(Dependency("good", there), Dependency("bad", failing(error)))
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["cache-control"] == "no-store"
    content = answer.json()
    assert content["status"] == "not ready"
    assert content["dependencies"] == {"bad": {"status": status}}
    assert MESSAGE not in answer.text


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the states of all dependencies, as often as they were logged."""
    return [
        vars(each)["json_fields"]["dependencies"]
        for each in caplog.records
        if each.getMessage().startswith("dependencies: ")
    ]


@pytest.mark.parametrize("is_set", [True, False], ids=["unavailable", "not set"])
async def test_answer_does_not_name_what_is_not_needed(is_set: bool) -> None:
    down = failing(DependencyUnavailable("it", 7))
    answer = await asked(
        Dependency("good", there), Dependency("bad", down, is_needed=False, is_set=is_set)
    )
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "dependencies": {}})


@pytest.mark.parametrize("is_needed", [True, False])
async def test_dependency_that_is_not_set_is_not_checked(
    is_needed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, readiness.logger.name)
    answer = await asked(Dependency("key", broken, is_needed=is_needed, is_set=False))
    assert answer.status_code == (503 if is_needed else 200)
    assert answer.json()["dependencies"] == ({"key": {"status": "not set"}} if is_needed else {})
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
            raise DependencyUnavailable("the store", 1)

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


async def test_a_bug_in_a_check_is_logged_as_any_other(caplog: pytest.LogCaptureFixture) -> None:
    await asked(Dependency("bad", broken))
    [record] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.getMessage() == "LookupError in the check of bad"
    line = JsonFormatter(TelemetrySettings()).format(record)
    assert "in broken" in json.loads(line)["stack_trace"]
    assert MESSAGE not in line


async def test_a_check_that_was_cancelled_by_others_has_failed() -> None:
    answer = await asked(Dependency("odd", failing_with_cancellation))
    assert answer.json()["dependencies"]["odd"]["status"] == "unavailable"


async def failing_with_cancellation() -> None:
    raise asyncio.CancelledError


async def test_what_is_missing_is_told_once_and_that_it_is_back(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, readiness.logger.name)
    is_down = iter((False, True, True, False, False))

    async def check() -> None:
        if next(is_down):
            raise DependencyUnavailable("the store", 1)

    async with client(Dependency("store", check), Dependency("other", there)) as http:
        for _ in range(5):
            await http.get("/health/ready")
            clock.now += 10
    assert [each.getMessage() for each in caplog.records if each.name == readiness.logger.name] == [
        "dependencies: store ok, other ok",
        "not ready: store is unavailable",
        "dependencies: store unavailable, other ok",
        "store is there again",
        "dependencies: store ok, other ok",
    ]


async def test_checks_that_hang_end_together(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, readiness.logger.name)
    hanging = [Slow() for _ in range(5)]
    slow = [Dependency(f"{n}", each.check) for n, each in enumerate(hanging)]
    answer = await Readiness([Dependency("good", there), *slow], check_within_s=0.01).respond()
    assert answer.status_code == 503
    [found] = logged(caplog)
    assert found.pop("good")["status"] == "ok"
    assert {each["status"] for each in found.values()} == {"timed out"}
    assert [each.begun for each in hanging] == [1] * 5
    await until(lambda: [each.ended for each in hanging] == [1] * 5)


async def test_who_asks_at_the_same_time_shares_the_answer_and_so_does_who_asks_soon(
    clock: Clock,
) -> None:
    slow = Slow()
    async with client(Dependency("store", slow.check)) as http:
        asking = [asyncio.create_task(http.get("/health/ready")) for _ in range(20)]
        await until(lambda: slow.begun == 1)
        slow.may_end.set()
        answers = [await each for each in asking]
        clock.now += 0.9
        answers.append(await http.get("/v2/health/ready"))
        answers.append(await http.get("/health/ready"))
    assert {answer.status_code for answer in answers} == {200}
    assert slow.begun == 1


async def test_the_truth_is_known_a_second_later(clock: Clock) -> None:
    is_down = iter((False, True, False))

    async def check() -> None:
        if next(is_down):
            raise DependencyUnavailable("the store", 5)

    async with client(Dependency("store", check)) as http:
        statuses = []
        for _ in range(3):
            statuses.append((await http.get("/health/ready")).status_code)
            clock.now += 1
    assert statuses == [200, 503, 200]


async def test_who_hangs_up_ends_at_once_and_neither_others_nor_tasks_suffer() -> None:
    slow = Slow()
    before = asyncio.all_tasks()
    async with client(Dependency("store", slow.check)) as http:
        first, second = (asyncio.create_task(http.get("/health/ready")) for _ in range(2))
        await until(lambda: slow.begun == 1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert slow.ended == 0
        slow.may_end.set()
        assert (await second).status_code == 200
    await until(lambda: asyncio.all_tasks() <= before)


async def test_nothing_goes_on_after_everybody_has_hung_up() -> None:
    slow = Slow()
    before = asyncio.all_tasks()
    asking = asyncio.create_task(Readiness([Dependency("s", slow.check)], 0.01).respond())
    await until(lambda: slow.begun == 1)
    asking.cancel()
    await until(lambda: asyncio.all_tasks() <= before)
    assert slow.ended == 1


async def test_a_crowd_costs_one_read(clock: Clock) -> None:
    trips = RoundTrips()
    database = Database(DatabaseSettings(), trips.interceptors)
    async with client(Dependency("store", database.check)) as http:
        with trips.counted() as calls:
            answers = await asyncio.gather(*(http.get("/health/ready") for _ in range(100)))
        assert {answer.status_code for answer in answers} == {200}
        assert calls == [READ]
        assert trips.documents == 1
        clock.now += 1
        with trips.counted() as calls:
            await http.get("/health/ready")
        assert calls == [READ]
    assert is_documented("`GET /health/ready`", 1)
