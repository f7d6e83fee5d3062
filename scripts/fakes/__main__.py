"""Serve the fakes of `./scripts/dev`."""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router

from scripts.fakes.openai import DEFAULT_TOKENS_PER_S, OpenAi
from scripts.fakes.revenuecat import RevenueCat
from scripts.fakes.scheduler import Scheduler, publisher
from scripts.local.ports import HOST


def main() -> None:
    """Serve until a signal ends the process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--project", required=True)
    parser.add_argument("--pubsub", required=True, help="host:port of the Pub/Sub emulator")
    parser.add_argument("--topic", required=True, help="topic of the scheduler")
    options = parser.parse_args()
    topic = f"projects/{options.project}/topics/{options.topic}"
    pace = float(os.environ.get("FAKE_TOKENS_PER_S") or DEFAULT_TOKENS_PER_S)
    scheduler = Scheduler(options.project, topic, publisher(options.pubsub, topic))

    # The hourly run starts with the server, because it needs the event loop of the server.
    @asynccontextmanager
    async def clock(_app: object) -> AsyncIterator[None]:
        task = asyncio.create_task(scheduler.run_hourly())
        yield
        task.cancel()

    app = Router(
        [
            Route("/health", lambda _request: PlainTextResponse("healthy")),
            Mount("/scheduler", scheduler.app()),
            # The local stack needs no fakes of Apple and Google: the tests start those.
            Mount("/openai", OpenAi(pace).app()),
            Mount("/revenuecat", RevenueCat().app()),
        ],
        lifespan=clock,
    )
    uvicorn.run(app, host=HOST, port=options.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
