"""The function `cleanup` with its own database. A topic pushes its messages."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from uuid import uuid4

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from scripts.fakes.push_topic import PushTopic
from scripts.local.ports import url
from scripts.local.processes import Processes
from scripts.local.pubsub import push_topic
from scripts.local.services import command, environment, runtime_folder
from scripts.local.stack import free_ports
from scripts.local.storage import VARIABLES, HasEnvironment
from shared.store.cleanup_runs import CleanupRuns, Run
from shared.store.data_model import ALL
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from tests import stack
from tests.loopback import served
from tests.stored_documents import all_documents

_TIMEOUT_S = 120
_PAGE_SIZE = 400


class Service:
    """The function in its own process, with its own project.

    Args:
        storage: the environment of its database.
        settings: of the same database.
        pubsub: `host:port` of a Pub/Sub emulator; None: a fake topic pushes the messages.
    """

    def __init__(
        self, storage: HasEnvironment, settings: DatabaseSettings, pubsub: str | None
    ) -> None:
        self.database = Database(settings)
        self.runs = CleanupRuns(self.database)
        self.copies = 1
        """The number of concurrent deliveries of each message."""

        self.delivered: list[int] = []
        """The status of the response to each delivery."""

        self._storage = storage
        self._project = settings.project or f"cleanup-{uuid4()}"
        self._pubsub = pubsub
        self._processes = Processes()
        self._port = free_ports().base
        self._topic = f"projects/{self._project}/topics/cleanup"
        self._publish_to = ""

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
            topics = self._serve_topic(resources, f"{relay}/")
            self._publish_to = f"{topics}/v1/{self._topic}:publish"
            self._start()
            yield
        await self.database.close()

    def _serve_topic(self, resources: ExitStack, push_to: str) -> str:
        """Create the topic; return the URL of its server."""
        if self._pubsub is None:
            return resources.enter_context(served(PushTopic(self._topic, push_to).app()))
        push_topic(self._pubsub, self._project, "cleanup", push_to)
        return f"http://{self._pubsub}"

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
        log = stack.log_folder() / f"{self._project}.log"
        settings: Mapping[str, str] = {
            **dict.fromkeys(VARIABLES, ""),
            **environment(self._storage),
            "GOOGLE_CLOUD_PROJECT": self._project,
        }
        self._processes.start("cleanup", command("cleanup", self._port), settings, log)
        self._processes.wait_until_healthy(self._port, "/health")

    async def reset(self) -> None:
        """Empty the database and the list of deliveries."""
        self.copies = 1
        self.delivered.clear()
        for collection in ALL:
            found = await all_documents(self.database, collection)
            for start in range(0, len(found), _PAGE_SIZE):
                batch = self.database.batch()
                for document in found[start : start + _PAGE_SIZE]:
                    batch.delete(document.reference)
                await self.database.commit(batch)

    async def publish(self, **attributes: str) -> None:
        """Publish a message to the function's topic."""
        async with httpx.AsyncClient() as http:
            response = await http.post(
                self._publish_to,
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
