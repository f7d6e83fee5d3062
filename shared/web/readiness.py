"""Whether everything is there that requests need; anyone may ask, so asking costs little.

The public answer names only dependencies that are needed and missing, because the others show
which secrets are set. The state of every dependency goes to the log and to a metric.
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
_CHECK_WITHIN_S = 2
_REMEMBERED_S = 1
_TRY_AGAIN_S = 5


@dataclass(frozen=True)
class Dependency:
    """Something that requests cannot do without, or only some of them if it is not `is_needed`.

    `check` raises DependencyUnavailable when it cannot be had. It is not called for what is not
    set, which can be had as little.
    """

    name: str
    check: Callable[[], Awaitable[object]]
    is_needed: bool = True
    is_set: bool = True


@dataclass(frozen=True)
class _Found:
    """What became of a check."""

    status: str
    is_needed: bool
    latency_ms: float | None

    @property
    def is_missed(self) -> bool:
        return self.is_needed and self.status != _OK

    @property
    def for_log(self) -> Mapping[str, object]:
        return {
            "status": self.status,
            "isNeeded": self.is_needed,
            "latencyMs": self.latency_ms,
        }


class Readiness:
    """Checks all dependencies side by side, at most once a second.

    Args:
        dependencies: by unique names.
        check_within_s: how long one check may take.
    """

    def __init__(
        self, dependencies: Sequence[Dependency], check_within_s: float = _CHECK_WITHIN_S
    ) -> None:
        self._dependencies = dependencies
        self._check_within_s = check_within_s
        self._asking = SingleFlight[str, Mapping[str, _Found]]()
        self._known: Mapping[str, _Found] | None = None
        self._ask_again_at = 0.0

    async def respond(self) -> Response:
        """Return 200, or 503 with the needed dependencies that are missing.

        It takes two seconds at most, and says what was true three seconds ago or later.
        """
        known = self._known
        if known is None or time.monotonic() >= self._ask_again_at:
            known = await self._asking.do("", self._ask)
        return _response(known)

    async def _ask(self) -> Mapping[str, _Found]:
        found = await asyncio.gather(
            *(_found(each, self._check_within_s) for each in self._dependencies)
        )
        names = (each.name for each in self._dependencies)
        known = dict(zip(names, found, strict=True))
        _tell(self._known or {}, known)
        self._known = known
        self._ask_again_at = time.monotonic() + _REMEMBERED_S
        return known


def _tell(before: Mapping[str, _Found], now: Mapping[str, _Found]) -> None:
    """Log and measure what has changed; what is unchanged is not logged at each check."""
    changed = {
        name: found
        for name, found in now.items()
        if name not in before or before[name].status != found.status
    }
    for name, found in changed.items():
        if name in before:
            add(DEPENDENCIES, -1, dependency=name, status=before[name].status)
        add(DEPENDENCIES, 1, dependency=name, status=found.status)
        was_missed = name in before and before[name].is_missed
        if found.is_missed and not was_missed:
            logger.warning("not ready: %s is %s", name, found.status)
        elif was_missed and not found.is_missed:
            logger.info("%s is there again", name)
    if changed:
        statuses = ", ".join(f"{name} {found.status}" for name, found in now.items())
        details = {name: found.for_log for name, found in now.items()}
        logger.info("dependencies: %s", statuses, extra={"json_fields": {"dependencies": details}})


async def _found(dependency: Dependency, within_s: float) -> _Found:
    if not dependency.is_set:
        return _Found("not set", dependency.is_needed, latency_ms=None)
    began = time.perf_counter()
    status = await _status(dependency, within_s)
    latency_ms = round((time.perf_counter() - began) * 1000, 1)
    return _Found(status, dependency.is_needed, latency_ms)


async def _status(dependency: Dependency, within_s: float) -> str:
    checking = asyncio.ensure_future(dependency.check())
    try:
        await asyncio.wait({checking}, timeout=within_s)
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


def _response(known: Mapping[str, _Found]) -> Response:
    missed = {name: {"status": found.status} for name, found in known.items() if found.is_missed}
    content = {"status": "not ready" if missed else "ready", "dependencies": missed}
    headers = {"Cache-Control": "no-store"}
    if missed:
        headers["Retry-After"] = str(_TRY_AGAIN_S)
    status = HTTPStatus.SERVICE_UNAVAILABLE if missed else HTTPStatus.OK
    return JSONResponse(content, status, headers)
