"""All services in one process: all routes on the base port, and a port per service."""

import argparse
from collections.abc import Mapping, Sequence
from functools import partial

from starlette.types import ASGIApp, Receive, Scope, Send

import functions.ai.main
import functions.chat.main
import functions.cleanup.main
import functions.events.main
import functions.sharing.main
import functions.social.main
import functions.users.main
from functions.chat.handlers import ChatHandlers
from functions.chat.server import Server, build_config, open_listener
from functions.chat.settings import ChatSettings
from scripts.local.ports import HOST, Ports
from shared.clients.http import open_client
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.telemetry.logs import set_up_logging
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.signals import prepare_export
from shared.web.app import build_app
from shared.web.readiness import Dependency
from shared.web.routes import Route
from shared.web.subscribers import SubscriberResources


def routes_by_service(
    database: Database, chat: ChatHandlers, resources: SubscriberResources
) -> dict[str, list[Route]]:
    """Return the routes of each service, on one database connection."""
    return {
        "users": functions.users.main.routes(database),
        "events": functions.events.main.routes(database),
        "social": functions.social.main.routes(database),
        "sharing": functions.sharing.main.routes(database),
        "ai": functions.ai.main.routes(resources),
        "chat": chat.routes(),
        "cleanup": functions.cleanup.main.routes(database),
    }


class ByPort:
    """Route a request to the app of the port that received it."""

    def __init__(self, apps: dict[int, ASGIApp]) -> None:
        self._apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self._apps[scope["server"][1]](scope, receive, send)


def function_of(by_service: Mapping[str, Sequence[Route]], route: str | None) -> str:
    """Return the name of the service with `route`; empty if there is none."""
    for service, routes in by_service.items():
        # The path of a WebSocket, /ai-chat, is the beginning of its route /ai-chat/negotiate.
        if any(
            each.path == route or (route and each.path.startswith(f"{route}/")) for each in routes
        ):
            return service
    return ""


def main() -> None:
    """Serve until a signal ends the process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    ports = Ports(parser.parse_args().port)
    database = Database(DatabaseSettings())
    resources = SubscriberResources(database, open_client(), Secrets(SecretSettings()))
    # One connection pool and one set of caches for all services: this is one process.
    chat = functions.chat.main.handlers(resources, ChatSettings())
    by_service = routes_by_service(database, chat, resources)
    store = [Dependency("store", database.check)]
    paid = resources.dependencies()
    needed = {"ai": paid, "chat": [*chat.dependencies(), *paid]}
    apps = {
        ports.of(name): build_app(routes, dependencies=needed.get(name, store))
        for name, routes in by_service.items()
    }
    # No app calls the cleanup, so the base port does not serve its route `/`.
    of_apps = {name: routes for name, routes in by_service.items() if name != "cleanup"}
    everything = [route for routes in of_apps.values() for route in routes]
    apps[ports.of("chat")] = build_app(chat.routes(), chat.sockets(), needed["chat"])
    apps[ports.base] = build_app(everything, chat.sockets(), needed["chat"])
    # One server for all ports: the chat closes its connections before the process ends.
    sockets = [open_listener(HOST, port) for port in apps]
    settings = TelemetrySettings()
    set_up_logging(settings, partial(function_of, by_service))
    prepare_export(settings)
    Server(build_config(ByPort(apps)), chat, 1, resources.http.aclose).run(sockets=sockets)


if __name__ == "__main__":
    main()
