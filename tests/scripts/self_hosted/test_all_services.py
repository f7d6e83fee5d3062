"""All services in one process."""

import pytest

from scripts.local.ports import SERVICES
from scripts.self_hosted.all_services import AllServices
from shared.clients.http import open_client
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.web.backup_resources import BackupResources
from shared.web.subscribers import SubscriberResources


def build(database: Database) -> AllServices:
    """Return all services. They connect to nothing."""
    http, secrets = open_client(), Secrets(SecretSettings())
    resources = SubscriberResources(database, http, secrets)
    return AllServices(database, resources, BackupResources(http, secrets))


@pytest.mark.parametrize(
    ("route", "service"),
    [
        ("/user/create", "users"),
        ("/users", "users"),
        ("/event", "events"),
        ("/inbox", "social"),
        ("/shareditem/{id}", "sharing"),
        ("/ai/workout", "ai"),
        ("/ai-chat/negotiate", "chat"),
        ("/ai-chat-v2", "chat"),
        ("/backup/{id}", "backup"),
        ("/", "cleanup"),
        ("/health", ""),
        ("(no such route)", ""),
        (None, ""),
    ],
)
async def test_log_line_names_the_service_of_the_route(route: str | None, service: str) -> None:
    services = build(Database(DatabaseSettings()))
    assert services.service_of(route) == service
    await services.resources.http.aclose()


async def test_every_service_has_routes_and_apps_reach_all_but_cleanup() -> None:
    services = build(Database(DatabaseSettings()))
    assert set(services.routes) == set(SERVICES)
    assert all(services.routes.values())
    assert "/" not in {route.path for route in services.app_routes}
    await services.resources.http.aclose()


async def test_readiness_checks_of_a_service_are_its_own() -> None:
    services = build(Database(DatabaseSettings()))
    names = {name: {each.name for each in services.dependencies(name)} for name in SERVICES}
    assert "OPENAI_API_KEY" in names["chat"]
    assert "OPENAI_API_KEY" not in names["backup"]
    assert "API_KEYS" in names["backup"]
    of_all = [each.name for each in services.all_dependencies()]
    assert sorted(of_all) == sorted(set().union(*names.values()))
    await services.resources.http.aclose()
