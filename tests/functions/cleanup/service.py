"""The function `cleanup` with its own project. The Pub/Sub emulator pushes its messages."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from uuid import uuid4

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from scripts.local.ports import url
from scripts.local.processes import Processes
from scripts.local.pubsub import push_topic
from scripts.local.services import Emulators, command, environment, runtime_folder
from scripts.local.stack import free_ports
from shared.store.cleanup_runs import CleanupRuns, Run
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from tests import stack
from tests.loopback import served

_TIMEOUT_S = 120


class Service:
    """The function in its own process, with its own project."""

    def __init__(self) -> None:
        self.project = f"cleanup-{uuid4()}"
        self.emulators = Emulators.of(stack.current())
        firestore = self.emulators.firestore
        self.database = Database(DatabaseSettings(project=self.project, emulator_host=firestore))
        self.runs = CleanupRuns(self.database)
        self.copies = 1
        """The number of concurrent deliveries of each message."""

        self.delivered: list[int] = []
        """The status of the response to each delivery."""

        self._processes = Processes()
        self._port = free_ports().base
        self._topic = f"projects/{self.project}/topics/{self.emulators.topic}"

    @property
    def address(self) -> str:
        """The URL of the function."""
        return url(self._port)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the function for the length of the block."""

        async def push(request: Request) -> Response:
            body = await request.body()
            statuses = await asyncio.gather(*(self._deliver(body) for _ in range(self.copies)))
            self.delivered += statuses
            return Response(status_code=max(statuses))

        with ExitStack() as resources:
            relay = resources.enter_context(served(Router([Route("/", push, methods=["POST"])])))
            resources.callback(shutil.rmtree, runtime_folder(self._port))
            resources.enter_context(self._processes)
            push_topic(self.emulators.pubsub, self.project, self.emulators.topic, f"{relay}/")
            self._start()
            yield

    async def _deliver(self, body: bytes) -> int:
        """Forward a push to the function; return the status of the response."""
        headers = {"content-type": "application/json"}
        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as http:
            try:
                response = await http.post(self.address, content=body, headers=headers)
            except httpx.TransportError:
                # Pub/Sub delivers a message again after a failed connection, as after a 503.
                return 503
        return response.status_code

    def _start(self) -> None:
        log = stack.log_folder() / f"{self.project}.log"
        settings = {**environment(self.emulators), "GOOGLE_CLOUD_PROJECT": self.project}
        self._processes.start("cleanup", command("cleanup", self._port), settings, log)
        self._processes.wait_until_healthy(self._port, "/health")

    async def reset(self) -> None:
        """Empty the database and the list of deliveries."""
        self.copies = 1
        self.delivered.clear()
        documents = f"emulator/v1/projects/{self.project}/databases/(default)/documents"
        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as http:
            (await http.delete(f"http://{self.emulators.firestore}/{documents}")).raise_for_status()

    async def publish(self, **attributes: str) -> None:
        """Publish a message to the function's topic."""
        async with httpx.AsyncClient() as http:
            response = await http.post(
                f"http://{self.emulators.pubsub}/v1/{self._topic}:publish",
                json={"messages": [{"attributes": {"trigger": "test", **attributes}}]},
            )
            response.raise_for_status()

    async def run(self) -> Run:
        """Publish the message of a new run; return the run when it has ended."""
        run_id = f"test-{uuid4()}"
        await self.publish(run=run_id)
        async with asyncio.timeout(_TIMEOUT_S):
            while True:
                run = await self.runs.find(run_id)
                if run is not None and run.ended_at is not None:
                    return run
                await asyncio.sleep(0.02)

    async def statuses(self, count: int) -> list[int]:
        """Wait for `count` deliveries; return the statuses of all."""
        async with asyncio.timeout(_TIMEOUT_S):
            while True:
                if len(self.delivered) >= count:
                    return list(self.delivered)
                await asyncio.sleep(0.02)
