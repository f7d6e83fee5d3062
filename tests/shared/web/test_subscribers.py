"""The readiness checks of `ai` and `chat`, with a fake Secret Manager in this process."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest

import functions.ai.main
import functions.chat.main
from functions.chat.settings import ChatSettings
from scripts.local.round_trips import RoundTrips
from shared.clients import secrets as secrets_module
from shared.clients.http import open_client
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.web import readiness
from shared.web.readiness import Readiness
from shared.web.subscribers import SubscriberResources
from tests.engines import on_firestore_only
from tests.shared.clients.fake_secret_manager import LATEST, Clock, FakeSecretManager, connected
from tests.shared.store.test_round_trips import READ

OF_PROVIDERS = {
    "API_KEYS",
    "WEB_AUTH_KEY",
    "APPLE_SHARED_SECRET",
    "APPLE_PRIVATE_KEY",
    "REVENUECAT_API_KEY",
}
SECRETS = {*OF_PROVIDERS, "OPENAI_API_KEY"}


class Service:
    """`ai` or `chat` in this process."""

    def __init__(
        self, name: str, manager: FakeSecretManager, secrets: Secrets, settings: DatabaseSettings
    ) -> None:
        self.manager = manager
        self._name = name
        self._secrets = secrets
        self.trips = RoundTrips()
        self.database = Database(settings, self.trips.open_engine)

    async def ready(self, check_within_s: float = 60) -> tuple[int, dict[str, Any]]:
        """Check a new instance; return its status and the logged state of each dependency."""
        async with open_client() as outgoing:
            resources = SubscriberResources(self.database, outgoing, self._secrets)
            if self._name == "ai":
                functions.ai.main.routes(resources)
            else:
                functions.chat.main.handlers(resources, ChatSettings())
            lines: list[logging.LogRecord] = []
            readiness.logger.addFilter(collect := _collecting(lines))
            try:
                answer = await Readiness(resources.dependencies(), check_within_s).respond()
            finally:
                readiness.logger.removeFilter(collect)
        assert b"SECRET-" not in answer.body
        [found] = [
            vars(line)["json_fields"]["dependencies"]
            for line in lines
            if line.getMessage().startswith("dependencies: ")
        ]
        return answer.status_code, found


def _collecting(lines: list[logging.LogRecord]) -> Callable[[logging.LogRecord], bool]:
    def collect(line: logging.LogRecord) -> bool:
        lines.append(line)
        return True

    return collect


@pytest.fixture(params=["ai", "chat"])
async def service(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, settings: DatabaseSettings
) -> AsyncIterator[Service]:
    for variable in SECRETS:
        monkeypatch.setenv(variable, "SECRET-value")
    monkeypatch.delenv("RATE_LIMIT_DATABASE", raising=False)
    manager = FakeSecretManager()
    async with connected(manager) as connect:
        of_secrets = SecretSettings(project="liftlog-test", refresh_s=300, timeout_s=20)
        yield Service(request.param, manager, Secrets(of_secrets, connect), settings)


def names_with(status: str, found: dict[str, Any]) -> set[str]:
    return {name for name, each in found.items() if each["status"] == status}


async def test_readiness_checks_database_and_secrets(service: Service) -> None:
    with service.trips.counted() as calls:
        status, found = await service.ready()
    assert status == 200
    assert names_with("ok", found) == found.keys() == {"store", *SECRETS}
    assert all(each["isNeeded"] for each in found.values())
    assert calls == [READ]
    assert not service.manager.requested


async def test_unset_provider_secret_is_not_needed(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in OF_PROVIDERS:
        monkeypatch.delenv(variable)
    status, found = await service.ready()
    assert status == 200
    assert names_with("not set", found) == OF_PROVIDERS
    assert not any(found[variable]["isNeeded"] for variable in OF_PROVIDERS)


async def test_service_is_not_ready_without_the_model_key(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    status, found = await service.ready()
    assert status == 503
    assert names_with("not set", found) == {"OPENAI_API_KEY"}
    assert found["OPENAI_API_KEY"]["isNeeded"]


@pytest.mark.parametrize("variable", ["AI_PLANNER_CONFIGURED", "AI_PLANNER_ENABLED"])
async def test_model_key_is_not_needed_without_the_planner(
    service: Service, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv(variable, "False")
    status, found = await service.ready()
    assert status == 200
    assert not found["OPENAI_API_KEY"]["isNeeded"]


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "APPLE_SHARED_SECRET"])
async def test_unavailable_secret_is_named(
    service: Service, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "sm://openai-key")
    service.manager.fault = grpc.StatusCode.PERMISSION_DENIED
    status, found = await service.ready()
    assert status == 503
    assert names_with("unavailable", found) == {variable}
    assert found[variable]["isNeeded"]


async def test_checks_share_cached_secrets_with_requests(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(secrets_module, "time", clock)
    monkeypatch.setenv("OPENAI_API_KEY", "sm://openai-key")
    for _ in range(3):
        assert (await service.ready())[0] == 503
    assert service.manager.requested == [LATEST]
    service.manager.secrets[LATEST] = b"SECRET-value"
    clock.now += 1
    for _ in range(3):
        assert (await service.ready())[0] == 200
    assert service.manager.requested == [LATEST] * 2
    service.manager.fault = grpc.StatusCode.PERMISSION_DENIED
    assert (await service.ready())[0] == 200
    assert service.manager.requested == [LATEST] * 2


async def test_slow_secret_is_fetched_in_the_background(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sm://openai-key")
    service.manager.secrets[LATEST] = b"SECRET-value"
    service.manager.hangs = True
    status, found = await service.ready(check_within_s=0.1)
    assert status == 503
    assert "OPENAI_API_KEY" in names_with("timed out", found)
    waiting = asyncio.create_task(service.ready())
    service.manager.hangs = False
    assert (await waiting)[0] == 200
    assert service.manager.requested == [LATEST]


@on_firestore_only
async def test_readiness_checks_the_quota_database(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATE_LIMIT_DATABASE", "limits")
    with service.trips.counted() as calls:
        status, found = await service.ready()
    assert status == 200
    assert found["rateLimitStore"]["status"] == "ok"
    assert calls == [READ, READ]


@on_firestore_only
@pytest.mark.parametrize(
    ("variable", "value", "is_needed"),
    [
        ("RATE_LIMIT_WHEN_UNAVAILABLE", "refuse", True),
        ("RATE_LIMIT_WHEN_UNAVAILABLE", "allow", False),
        ("TEST_MODE", "True", False),
    ],
)
async def test_quota_database_is_needed_when_it_rejects(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    is_needed: bool,
) -> None:
    monkeypatch.setenv("RATE_LIMIT_DATABASE", "limits")
    monkeypatch.setenv(variable, value)

    async def down() -> None:
        raise LookupError

    monkeypatch.setattr(service.database.named("limits"), "check", down)
    status, found = await service.ready()
    assert status == (503 if is_needed else 200)
    assert found["rateLimitStore"]["isNeeded"] == is_needed
    assert names_with("unavailable", found) == {"rateLimitStore"}
