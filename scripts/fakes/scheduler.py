"""Fake of Cloud Scheduler with one job: publish to a topic every hour.

Source: https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

LOCATION = "local"
JOB = "cleanup"
_HOURLY = "0 * * * *"
_HOUR = timedelta(hours=1)
_ENABLED, _PAUSED = "ENABLED", "PAUSED"
_UNAVAILABLE = 14
_TIMEOUT_S = 30


def publisher(pubsub: str, topic: str) -> Callable[[], Awaitable[None]]:
    """Return a function that publishes the job's message through the Pub/Sub API at `pubsub`."""

    async def publish() -> None:
        message = {"attributes": {"trigger": "schedule"}}
        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as http:
            url = f"{pubsub}/v1/{topic}:publish"
            (await http.post(url, json={"messages": [message]})).raise_for_status()

    return publish


@dataclass
class Scheduler:
    """The job and its clock."""

    project: str
    topic: str
    publish: Callable[[], Awaitable[None]]
    state: str = _ENABLED
    last_attempt: datetime | None = None
    status: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The job's full name."""
        return f"projects/{self.project}/locations/{LOCATION}/jobs/{JOB}"

    async def run_hourly(self) -> None:
        """Run the job at each full hour, unless it is paused."""
        # The next hour is computed each time, so a slow run does not delay the later ones.
        while True:
            now = datetime.now(UTC)
            await asyncio.sleep((_next_hour(now) - now).total_seconds())
            if self.state == _ENABLED:
                await self._run()

    def app(self) -> Router:
        """Return the API."""
        path = f"/v1/{self.name}"
        return Router(
            [
                Route(path, self._get),
                Route(f"{path}:pause", self._pause, methods=["POST"]),
                Route(f"{path}:resume", self._resume, methods=["POST"]),
                Route(f"{path}:run", self._run_now, methods=["POST"]),
            ],
            default=_no_such_job,
        )

    async def _run(self) -> None:
        self.last_attempt = datetime.now(UTC)
        try:
            await self.publish()
        except httpx.HTTPError:
            self.status = {"code": _UNAVAILABLE, "message": "the topic is not reachable"}
        else:
            self.status = {}

    async def _get(self, _request: Request) -> Response:
        return JSONResponse(self._job())

    async def _pause(self, _request: Request) -> Response:
        self.state = _PAUSED
        return JSONResponse(self._job())

    async def _resume(self, _request: Request) -> Response:
        self.state = _ENABLED
        return JSONResponse(self._job())

    async def _run_now(self, _request: Request) -> Response:
        await self._run()
        return JSONResponse(self._job())

    def _job(self) -> dict[str, Any]:
        job = {
            "name": self.name,
            "pubsubTarget": {"topicName": self.topic, "attributes": {"trigger": "schedule"}},
            "schedule": _HOURLY,
            "timeZone": "Etc/UTC",
            "state": self.state,
            "status": self.status,
            "scheduleTime": _written(_next_hour(datetime.now(UTC))),
        }
        if self.last_attempt is not None:
            job["lastAttemptTime"] = _written(self.last_attempt)
        return job


def _next_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + _HOUR


def _written(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


async def _no_such_job(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
    # google-api-core reads this form and raises NotFound.
    error = {"code": 404, "status": "NOT_FOUND", "message": "Job not found."}
    await JSONResponse({"error": error}, 404)(scope, receive, send)
