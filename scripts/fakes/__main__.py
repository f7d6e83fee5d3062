"""Serve the fakes of `./scripts/dev`."""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route, Router

from scripts.fakes.cloud_storage import CloudStorage
from scripts.fakes.openai import DEFAULT_TOKENS_PER_S, OpenAi
from scripts.fakes.push_topic import PushTopic
from scripts.fakes.revenuecat import RevenueCat
from scripts.fakes.scheduler import Scheduler, publisher
from scripts.local.ports import HOST, url
from scripts.local.storage import VARIABLES


def main() -> None:
    """Serve until a signal ends the process."""
    options = _options()
    topic = f"projects/{options.project}/topics/{options.topic}"
    pace = float(os.environ.get("FAKE_TOKENS_PER_S") or DEFAULT_TOKENS_PER_S)
    routes: list[BaseRoute] = []
    if options.push_to:
        pubsub = f"{url(options.port)}/pubsub"
        routes.append(Mount("/pubsub", PushTopic(topic, options.push_to).app()))
    else:
        pubsub = f"http://{options.pubsub}"
    scheduler = Scheduler(options.project, topic, publisher(pubsub, topic))
    storage = {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}

    # The hourly run starts with the server, because it needs the event loop of the server.
    @asynccontextmanager
    async def clock(_app: object) -> AsyncIterator[None]:
        task = asyncio.create_task(scheduler.run_hourly())
        yield
        task.cancel()

    routes += [
        Route("/health", lambda _request: PlainTextResponse("healthy")),
        # For ./scripts/cleanup, which reads the database of the stack.
        Route("/storage", lambda _request: JSONResponse(storage)),
        Mount("/scheduler", scheduler.app()),
        # The local stack needs no fakes of Apple and Google: the tests start those.
        Mount("/openai", OpenAi(pace).app()),
        Mount("/revenuecat", RevenueCat().app()),
        # For a stack with BACKUP_BUCKET and BACKUP_STORAGE_URL.
        Mount("/cloud-storage", CloudStorage().app()),
    ]
    app = Router(routes, lifespan=clock)
    uvicorn.run(app, host=HOST, port=options.port, log_level="warning", access_log=False)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--project", required=True)
    parser.add_argument("--topic", required=True, help="topic of the scheduler")
    pubsub = parser.add_mutually_exclusive_group(required=True)
    pubsub.add_argument("--pubsub", help="host:port of the Pub/Sub emulator")
    pubsub.add_argument("--push-to", help="without the emulator: the URL of the cleanup")
    return parser.parse_args()


if __name__ == "__main__":
    main()
