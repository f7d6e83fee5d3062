"""Whether everything is there that requests need; anyone may ask, so asking costs little."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

from shared.errors import DependencyTimedOut, DependencyUnavailable
from shared.single_flight import SingleFlight

logger = logging.getLogger(__name__)

_OK = "ok"
_PATIENCE_S = 2
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


class Readiness:
    """Asks all dependencies side by side, for everyone who wants to know within a second."""

    def __init__(self, dependencies: Sequence[Dependency]) -> None:
        self._dependencies = dependencies
        self._asking = SingleFlight[str, Mapping[str, _Found]]()
        self._known: Mapping[str, _Found] | None = None
        self._ask_again_at = 0.0

    async def respond(self) -> Response:
        """Return 200, or 503 if one that is needed cannot be had, and how it stands with each.

        It takes two seconds at most, and says what was true three seconds ago or later.
        """
        known = self._known
        if known is None or time.monotonic() >= self._ask_again_at:
            known = await self._asking.do("", self._ask)
        return _response(known)

    async def _ask(self) -> Mapping[str, _Found]:
        found = await asyncio.gather(*(_found(each) for each in self._dependencies))
        names = (each.name for each in self._dependencies)
        known = dict(zip(names, found, strict=True))
        _tell(self._known or {}, known)
        self._known = known
        self._ask_again_at = time.monotonic() + _REMEMBERED_S
        return known


def _tell(before: Mapping[str, _Found], now: Mapping[str, _Found]) -> None:
    """Tell what is missing, and that it is back: once, not each time that somebody asks."""
    for name, found in now.items():
        was_missed = name in before and before[name].is_missed
        if found.is_missed and not was_missed:
            logger.warning("not ready: %s is %s", name, found.status)
        elif was_missed and not found.is_missed:
            logger.info("%s is there again", name)


async def _found(dependency: Dependency) -> _Found:
    if not dependency.is_set:
        return _Found("not set", dependency.is_needed, latency_ms=None)
    began = time.perf_counter()
    status = await _status(dependency)
    latency_ms = round((time.perf_counter() - began) * 1000, 1)
    return _Found(status, dependency.is_needed, latency_ms)


async def _status(dependency: Dependency) -> str:
    checking = asyncio.ensure_future(dependency.check())
    try:
        await asyncio.wait({checking}, timeout=_PATIENCE_S)
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
    is_ready = not any(found.is_missed for found in known.values())
    content: dict[str, Any] = {
        "status": "ready" if is_ready else "not ready",
        "dependencies": {
            name: {
                "status": found.status,
                "isNeeded": found.is_needed,
                "latencyMs": found.latency_ms,
            }
            for name, found in known.items()
        },
    }
    headers = {"Cache-Control": "no-store"}
    if not is_ready:
        headers["Retry-After"] = str(_TRY_AGAIN_S)
    status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
    return JSONResponse(content, status, headers)
