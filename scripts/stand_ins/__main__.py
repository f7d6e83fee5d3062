"""Serves the stand-ins that `./scripts/dev` uses: the language model and RevenueCat."""

import argparse
import os

import uvicorn
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router

from scripts.local.ports import HOST
from scripts.stand_ins.openai import NATURAL_PACE, OpenAi
from scripts.stand_ins.revenuecat import RevenueCat


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    pace = float(os.environ.get("STAND_IN_TOKENS_PER_S") or NATURAL_PACE)
    app = Router(
        [
            Route("/health", lambda _request: PlainTextResponse("healthy")),
            Mount("/openai", OpenAi(pace).app()),
            Mount("/revenuecat", RevenueCat().app()),
        ]
    )
    uvicorn.run(app, host=HOST, port=port, lifespan="off", log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
