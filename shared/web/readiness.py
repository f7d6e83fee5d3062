"""Readiness: checks of the dependencies that requests need, cached because anyone may call it.

The public response lists only required dependencies that are unavailable. The others would reveal
which secrets are set. The log and a metric contain the status of every dependency.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import JSONResponse, Response

from shared.concurrency.single_flight import SingleFlight
from shared.errors import DependencyTimedOut, DependencyUnavailable
from shared.telemetry.metrics import DEPENDENCIES
from shared.telemetry.signals import add

logger = logging.getLogger(__name__)

_OK = "ok"
_CHECK_TIMEOUT_S = 2
_CACHE_LIFETIME_S = 1
_RETRY_AFTER_S = 5


@dataclass(frozen=True)
class Dependency:
    """A dependency of all requests, or only of some requests if `is_needed` is False.

    `check` raises DependencyUnavailable if the dependency is unavailable. A dependency that is not
    set counts as unavailable, and is not checked.
    """

    name: str
    check: Callable[[], Awaitable[object]]
    is_needed: bool = True
    is_set: bool = True


@dataclass(frozen=True)
class _CheckResult:
    """The result of a check."""

    status: str
    is_needed: bool
    latency_ms: float | None

    @property
    def is_missing(self) -> bool:
        return self.is_needed and self.status != _OK

    @property
    def for_log(self) -> Mapping[str, object]:
        return {
            "status": self.status,
            "isNeeded": self.is_needed,
            "latencyMs": self.latency_ms,
        }


class Readiness:
    """Checks all dependencies concurrently, at most once a second.

    Args:
        dependencies: with unique names.
        check_timeout_s: the time limit of one check.
    """

    def __init__(
        self, dependencies: Sequence[Dependency], check_timeout_s: float = _CHECK_TIMEOUT_S
    ) -> None:
        self._dependencies = dependencies
        self._check_timeout_s = check_timeout_s
        self._checking = SingleFlight[str, Mapping[str, _CheckResult]]()
        self._results: Mapping[str, _CheckResult] | None = None
        self._cached_until = 0.0

    async def respond(self) -> Response:
        """Return 200, or 503 with the required dependencies that are unavailable.

        Takes at most two seconds. The result is at most three seconds old.
        """
        results = self._results
        if results is None or time.monotonic() >= self._cached_until:
            # Callers at the same time share one check.
            results = await self._checking.do("", self._check)
        return _response(results)

    async def _check(self) -> Mapping[str, _CheckResult]:
        checked = await asyncio.gather(
            *(_run_check(each, self._check_timeout_s) for each in self._dependencies)
        )
        names = (each.name for each in self._dependencies)
        results = dict(zip(names, checked, strict=True))
        _report_changes(self._results or {}, results)
        self._results = results
        self._cached_until = time.monotonic() + _CACHE_LIFETIME_S
        return results


def _report_changes(before: Mapping[str, _CheckResult], now: Mapping[str, _CheckResult]) -> None:
    """Log and count the dependencies whose status changed since the last check."""
    changed = {
        name: result
        for name, result in now.items()
        if name not in before or before[name].status != result.status
    }
    for name, result in changed.items():
        if name in before:
            add(DEPENDENCIES, -1, dependency=name, status=before[name].status)
        add(DEPENDENCIES, 1, dependency=name, status=result.status)
        was_missing = name in before and before[name].is_missing
        if result.is_missing and not was_missing:
            logger.warning("not ready: %s is %s", name, result.status)
        elif was_missing and not result.is_missing:
            logger.info("%s is available again", name)
    if changed:
        statuses = ", ".join(f"{name} {result.status}" for name, result in now.items())
        details = {name: result.for_log for name, result in now.items()}
        logger.info("dependencies: %s", statuses, extra={"json_fields": {"dependencies": details}})


async def _run_check(dependency: Dependency, timeout_s: float) -> _CheckResult:
    if not dependency.is_set:
        return _CheckResult("not set", dependency.is_needed, latency_ms=None)
    start = time.perf_counter()
    status = await _status(dependency, timeout_s)
    latency_ms = round((time.perf_counter() - start) * 1000, 1)
    return _CheckResult(status, dependency.is_needed, latency_ms)


async def _status(dependency: Dependency, timeout_s: float) -> str:
    # `wait` instead of `timeout`: a check that is slow to cancel must not delay the response.
    checking = asyncio.ensure_future(dependency.check())
    try:
        await asyncio.wait({checking}, timeout=timeout_s)
        if not checking.done():
            return "timed out"
        if checking.cancelled():
            return "unavailable"
        checking.result()
    except DependencyTimedOut:
        return "timed out"
    except DependencyUnavailable:
        return "unavailable"
    except Exception as error:
        logger.exception("%s in the check of %s", type(error).__name__, dependency.name)
        return "unavailable"
    finally:
        checking.cancel()
    return _OK


def _response(results: Mapping[str, _CheckResult]) -> Response:
    missing = {
        name: {"status": result.status} for name, result in results.items() if result.is_missing
    }
    content = {"status": "not ready" if missing else "ready", "dependencies": missing}
    # A proxy must not hide a change of the status.
    headers = {"Cache-Control": "no-store"}
    if missing:
        headers["Retry-After"] = str(_RETRY_AFTER_S)
    status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
    return JSONResponse(content, status, headers)
