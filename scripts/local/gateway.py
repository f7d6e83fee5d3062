"""All functions in one process: every route on the base port, and each function on its own."""

import argparse
import logging
import socket

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

import functions.ai.main
import functions.events.main
import functions.sharing.main
import functions.social.main
import functions.users.main
from scripts.local.ports import HOST, Ports
from shared.outgoing import open_client
from shared.settings import StoreSettings
from shared.store.client import Database
from shared.telemetry import set_up_logging
from shared.web.app import build_app
from shared.web.routes import Route


def routes_by_function() -> dict[str, list[Route]]:
    """Return every function's routes, all on one connection to the store."""
    database = Database(StoreSettings())
    return {
        "users": functions.users.main.routes(database),
        "events": functions.events.main.routes(database),
        "social": functions.social.main.routes(database),
        "sharing": functions.sharing.main.routes(database),
        "ai": functions.ai.main.routes(database, open_client()),
    }


class ByPort:
    """Hands a request to the app that belongs to the port it came in by."""

    def __init__(self, apps: dict[int, ASGIApp]) -> None:
        self._apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self._apps[scope["server"][1]](scope, receive, send)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    return "/health" not in record.getMessage()


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    ports = Ports(parser.parse_args().port)
    by_function = routes_by_function()
    apps = {ports.of(name): build_app(routes) for name, routes in by_function.items()}
    apps[ports.base] = build_app([route for routes in by_function.values() for route in routes])
    sockets = [socket.create_server((HOST, port)) for port in apps]
    logging.basicConfig(format="%(levelname)s:     %(message)s")
    set_up_logging()
    config = uvicorn.Config(ByPort(apps), lifespan="off", log_level=None)
    # uvicorn's own words about starting and stopping would stand in the middle of ours.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").addFilter(_is_worth_a_line)
    uvicorn.Server(config).run(sockets=sockets)


if __name__ == "__main__":
    main()
