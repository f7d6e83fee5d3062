"""The running server: its parts, its start and its end.

The import of this module reads the settings of the services from the environment.
"""

import logging
import socket
from collections.abc import Iterable
from datetime import datetime

import functions.cleanup.main
from functions.chat.server import build_config
from functions.chat.settings import ChatSettings
from scripts.self_hosted.all_services import AllServices
from scripts.self_hosted.cleanup_schedule import CleanupSchedule, next_hour
from scripts.self_hosted.data_folder import DataFolder
from scripts.self_hosted.features import Features, configured_features
from scripts.self_hosted.server import SelfHostedServer
from shared.clients.http import open_client
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.purchases.authenticator import PurchaseAuthenticator
from shared.purchases.providers import purchase_providers
from shared.purchases.settings import PurchaseSettings
from shared.store.cleanup_runs import CleanupRuns
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.store.verifications import Verifications
from shared.telemetry.logs import set_up_logging
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.signals import close_export, prepare_export
from shared.timestamps import now
from shared.web.app import build_app
from shared.web.backup_resources import BackupResources
from shared.web.readiness import Dependency
from shared.web.subscribers import SubscriberResources

logger = logging.getLogger(__name__)

_FLUSH_TIMEOUT_S = 0.5


def serve(folder: DataFolder, listener: socket.socket, unknown: Iterable[str]) -> None:
    """Serve all routes on `listener` until SIGTERM or SIGINT.

    `unknown` has the names in the settings file that are not names of settings.
    """
    features = configured_features()
    services = build_services(features)
    telemetry = TelemetrySettings()
    set_up_logging(telemetry, services.service_of)
    logging.getLogger("scripts").setLevel(logging.INFO)
    prepare_export(telemetry)
    app = build_app(
        services.app_routes,
        services.chat.sockets(),
        dependencies(services, features),
        services.backups.features(features.of_routes),
    )
    cleanup = CleanupSchedule(
        functions.cleanup.main.cleaner(services.database).clean, CleanupRuns(services.database)
    )

    async def close() -> None:
        await services.resources.http.aclose()
        await services.database.close()
        close_export(_FLUSH_TIMEOUT_S)

    for name in sorted(unknown):
        logger.warning("%s in %s is not a setting of this server", name, str(folder.settings))
    logger.info("%s", start_line(folder, listener, features, now()))
    grace_s = ChatSettings().grace_s
    server = SelfHostedServer(build_config(app), services.chat, grace_s, close, cleanup.run)
    server.run([listener])
    logger.info("stopped")


def build_services(features: Features) -> AllServices:
    """Return all services. They accept the tokens of the configured purchase providers."""
    database, http, secrets = Database(DatabaseSettings()), open_client(), Secrets(SecretSettings())
    providers = purchase_providers(secrets, Verifications(database), http, PurchaseSettings())
    accepted = features.accepted_providers
    purchases = PurchaseAuthenticator(
        {name: provider for name, provider in providers.items() if name in accepted}
    )
    resources = SubscriberResources(database, http, secrets, purchases)
    return AllServices(database, resources, BackupResources(http, secrets))


def dependencies(services: AllServices, features: Features) -> list[Dependency]:
    """Return the readiness checks, without those of features that are off."""
    if features.plans.is_on:
        return services.all_dependencies()
    checks = [*services.chat.dependencies(), *services.dependencies("users")]
    return [*checks, *services.dependencies("backup")]


def start_line(
    folder: DataFolder, listener: socket.socket, features: Features, at: datetime
) -> str:
    """Describe the server: its address, its data, its features and the next cleanup."""
    host, port = listener.getsockname()[:2]
    on = ", ".join(features.on) or "nothing"
    off = ", ".join(features.off) or "nothing"
    megabytes = folder.database_bytes / 1024**2
    return (
        f"serving http://{host}:{port}, data in {folder.path} ({megabytes:.1f} MiB)"
        f"; on: {on}; off: {off}; next cleanup at {next_hour(at):%H:%M} UTC"
    )
