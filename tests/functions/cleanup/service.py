"""The function `cleanup` with a project of its own, pushed to by the Pub/Sub emulator."""

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

_LONGEST_S = 120


class Service:
    """The cleanup of a project of its own."""

    def __init__(self) -> None:
        self.project = f"cleanup-{uuid4()}"
        self.emulators = Emulators.of(stack.current())
        firestore = self.emulators.firestore
        self.database = Database(DatabaseSettings(project=self.project, emulator_host=firestore))
        self.runs = CleanupRuns(self.database)
        self.copies = 1
        """How many times each message is delivered, at the same time."""

        self.delivered: list[int] = []
        """The status that each delivery was answered with."""

        self._processes = Processes()
        self._port = free_ports().base
        self._topic = f"projects/{self.project}/topics/{self.emulators.topic}"

    @property
    def address(self) -> str:
        """Where the function is."""
        return url(self._port)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve for the length of the block."""

        async def push(request: Request) -> Response:
            body = await request.body()
            statuses = await asyncio.gather(*(self._deliver(body) for _ in range(self.copies)))
            self.delivered += statuses
            return Response(status_code=max(statuses))

        with ExitStack() as everything:
            relay = everything.enter_context(served(Router([Route("/", push, methods=["POST"])])))
            everything.callback(shutil.rmtree, runtime_folder(self._port))
            everything.enter_context(self._processes)
            push_topic(self.emulators.pubsub, self.project, self.emulators.topic, f"{relay}/")
            self._start()
            yield

    async def _deliver(self, body: bytes) -> int:
        """Hand a push on; return the status of the answer."""
        headers = {"content-type": "application/json"}
        async with httpx.AsyncClient(timeout=_LONGEST_S) as http:
            try:
                answer = await http.post(self.address, content=body, headers=headers)
            except httpx.TransportError:
                return 503
        return answer.status_code

    def _start(self) -> None:
        log = stack.log_folder() / f"{self.project}.log"
        settings = {**environment(self.emulators), "GOOGLE_CLOUD_PROJECT": self.project}
        self._processes.start("cleanup", command("cleanup", self._port), settings, log)
        self._processes.wait_until_healthy(self._port, "/health")

    async def reset(self) -> None:
        """Empty the database, and forget the deliveries."""
        self.copies = 1
        self.delivered.clear()
        documents = f"emulator/v1/projects/{self.project}/databases/(default)/documents"
        async with httpx.AsyncClient(timeout=_LONGEST_S) as http:
            (await http.delete(f"http://{self.emulators.firestore}/{documents}")).raise_for_status()

    async def publish(self, **attributes: str) -> None:
        """Publish a message on the function's topic."""
        async with httpx.AsyncClient() as http:
            answer = await http.post(
                f"http://{self.emulators.pubsub}/v1/{self._topic}:publish",
                json={"messages": [{"attributes": {"trigger": "test", **attributes}}]},
            )
            answer.raise_for_status()

    async def run(self) -> Run:
        """Publish the message of a run; return the run when it has ended."""
        run_id = f"test-{uuid4()}"
        await self.publish(run=run_id)
        async with asyncio.timeout(_LONGEST_S):
            while True:
                run = await self.runs.find(run_id)
                if run is not None and run.ended_at is not None:
                    return run
                await asyncio.sleep(0.02)

    async def answers(self, count: int) -> list[int]:
        """Return the statuses of all deliveries, when there are so many."""
        async with asyncio.timeout(_LONGEST_S):
            while True:
                if len(self.delivered) >= count:
                    return list(self.delivered)
                await asyncio.sleep(0.02)
