"""All services in one process: their routes, the chat and their dependencies."""

from collections.abc import Mapping, Sequence

import functions.ai.main
import functions.backup.main
import functions.chat.main
import functions.cleanup.main
import functions.events.main
import functions.sharing.main
import functions.social.main
import functions.users.main
from functions.chat.settings import ChatSettings
from shared.store.database import Database
from shared.web.backup_resources import BackupResources
from shared.web.readiness import Dependency
from shared.web.routes import Route
from shared.web.subscribers import SubscriberResources

CLEANUP = "cleanup"
"""The service that no app calls."""


class AllServices:
    """The services on one database connection and one set of caches.

    Args:
        database: the database of all services.
        resources: the resources of `ai` and `chat`, on the same database.
        backups: the resources of `backup`, with the same secrets.
    """

    def __init__(
        self, database: Database, resources: SubscriberResources, backups: BackupResources
    ) -> None:
        self.database = database
        self.resources = resources
        self.backups = backups
        self.chat = functions.chat.main.handlers(resources, ChatSettings())
        self.routes: Mapping[str, Sequence[Route]] = {
            "users": functions.users.main.routes(database),
            "events": functions.events.main.routes(database),
            "social": functions.social.main.routes(database),
            "sharing": functions.sharing.main.routes(database),
            "ai": functions.ai.main.routes(resources),
            "chat": self.chat.routes(),
            "backup": functions.backup.main.routes(backups),
            CLEANUP: functions.cleanup.main.routes(database),
        }
        """The routes by service."""

    @property
    def app_routes(self) -> list[Route]:
        """All routes that apps call."""
        # The route of the cleanup is `/`, and a caller needs no sign-in for it.
        of_apps = (routes for name, routes in self.routes.items() if name != CLEANUP)
        return [route for routes in of_apps for route in routes]

    def dependencies(self, service: str) -> list[Dependency]:
        """Return the readiness checks of a service."""
        if service == "chat":
            return [*self.chat.dependencies(), *self.resources.dependencies()]
        if service == "ai":
            return self.resources.dependencies()
        if service == "backup":
            return self.backups.dependencies()
        return [Dependency("store", self.database.check)]

    def all_dependencies(self) -> list[Dependency]:
        """Return the readiness checks of all services, each of them once."""
        checks = [*self.dependencies("chat"), *self.dependencies("backup")]
        return [*{each.name: each for each in checks}.values()]

    def service_of(self, route: str | None) -> str:
        """Return the name of the service with `route`; empty if there is none."""
        for service, routes in self.routes.items():
            # The path of a WebSocket, /ai-chat, is the beginning of its route /ai-chat/negotiate.
            if any(
                each.path == route or (route and each.path.startswith(f"{route}/"))
                for each in routes
            ):
                return service
        return ""
