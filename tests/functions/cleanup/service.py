"""The function `cleanup` with a project of its own, pushed to by the Pub/Sub emulator."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Mapping
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
from shared.settings import StoreSettings
from shared.store.cleanup_runs import CleanupRuns, Run
from shared.store.client import Database
from tests import stack
from tests.loopback import served

_PATIENCE_S = 60
_LONGEST_S = 600


class Service:
    """A cleanup that nobody else's documents are in the way of."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.project = f"cleanup-{uuid4()}"
        self.emulators = Emulators.of(stack.current())
        firestore = self.emulators.firestore
        self.database = Database(StoreSettings(project=self.project, emulator_host=firestore))
        self.runs = CleanupRuns(self.database)
        self.copies = 1
        """How often each message is delivered, all at the same time."""

        self.delivered: list[int] = []
        """The status that each delivery was answered with."""

        self._settings = settings
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
            self.start()
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

    def start(self) -> None:
        """Start the function, as the platform would."""
        log = stack.said() / f"{self.project}-{uuid4().hex[:8]}.log"
        settings = {**environment(self.emulators), "GOOGLE_CLOUD_PROJECT": self.project}
        self._processes.start(
            "cleanup", command("cleanup", self._port), {**settings, **self._settings}, log
        )
        self._processes.wait_until_healthy(self._port, "/health")

    def kill(self) -> None:
        """End the function without a warning."""
        self._processes.kill("cleanup")

    async def publish(self, **attributes: str) -> None:
        """Publish a message on the function's topic."""
        async with httpx.AsyncClient() as http:
            answer = await http.post(
                f"http://{self.emulators.pubsub}/v1/{self._topic}:publish",
                json={"messages": [{"attributes": {"trigger": "test", **attributes}}]},
            )
            answer.raise_for_status()

    async def run(self) -> Run:
        """Have a run made; return it when it has ended."""
        run_id = f"test-{uuid4()}"
        await self.publish(run=run_id)
        return await self.ended(run_id)

    async def ended(self, run_id: str) -> Run:
        """Return the run when it has ended."""
        begun = time.monotonic()
        while True:
            run = await self.runs.find(run_id)
            if run is not None and run.ended_at is not None:
                return run
            assert time.monotonic() - begun < _PATIENCE_S, run
            await asyncio.sleep(0.05)
