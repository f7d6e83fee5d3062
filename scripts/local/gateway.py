"""All services in one process: all routes on the base port, and a port per service."""

import argparse

from starlette.types import ASGIApp, Receive, Scope, Send

from functions.chat.server import Server, build_config, open_listener
from scripts.local.ports import HOST, SERVICES, Ports
from scripts.self_hosted.all_services import CLEANUP, AllServices
from shared.clients.http import open_client
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.telemetry.logs import set_up_logging
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.signals import prepare_export
from shared.web.app import build_app
from shared.web.backup_resources import BackupResources
from shared.web.features import Features, FeatureSettings
from shared.web.subscribers import SubscriberResources


class ByPort:
    """Route a request to the app of the port that received it."""

    def __init__(self, apps: dict[int, ASGIApp]) -> None:
        self._apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self._apps[scope["server"][1]](scope, receive, send)


def main() -> None:
    """Serve until a signal ends the process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    ports = Ports(parser.parse_args().port)
    database = Database(DatabaseSettings())
    http, secrets = open_client(), Secrets(SecretSettings())
    resources = SubscriberResources(database, http, secrets)
    services = AllServices(database, resources, BackupResources(http, secrets))
    sockets_of = {"chat": services.chat.sockets()}
    features = services.backups.features(Features.of(FeatureSettings()))
    apps = {
        ports.of(name): build_app(
            services.routes[name],
            sockets_of.get(name, ()),
            services.dependencies(name),
            features if name != CLEANUP else None,
        )
        for name in SERVICES
    }
    apps[ports.base] = build_app(
        services.app_routes, services.chat.sockets(), services.all_dependencies(), features
    )
    # One server for all ports: the chat closes its connections before the process ends.
    sockets = [open_listener(HOST, port) for port in apps]
    settings = TelemetrySettings()
    set_up_logging(settings, services.service_of)
    prepare_export(settings)
    server = Server(build_config(ByPort(apps)), services.chat, 1, resources.http.aclose)
    server.run(sockets=sockets)


if __name__ == "__main__":
    main()
