"""Fixtures of the fakes: each test gets new fakes, on servers that all tests of a process share."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import httpx2
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from scripts.fakes.apple import AppStore
from scripts.fakes.cloud_storage import CloudStorage
from scripts.fakes.faults import Failing
from scripts.fakes.google import GooglePlay, service_account
from scripts.fakes.openai import OpenAi
from scripts.fakes.revenuecat import RevenueCat
from shared.clients.http import open_client
from tests.loopback import served

SHARED_SECRET = "SECRET-shared"  # noqa: S105 - not a real one


class _Fake(Protocol):
    def app(self) -> Failing:
        """Return the app that serves the fake."""


FakeT = TypeVar("FakeT", bound=_Fake)


@dataclass
class RunningFake(Generic[FakeT]):
    """A fake with its server, which takes the faults and counts the calls."""

    fake: FakeT
    server: Failing
    url: str


class _Switch:
    """An app that forwards requests to the current test's app."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class FakeServers:
    """Servers by name. Starting a server costs more than a test, so all tests share it."""

    def __init__(self, resources: ExitStack) -> None:
        self._resources = resources
        self._running: dict[str, tuple[_Switch, str]] = {}

    def serve(self, name: str, app: ASGIApp) -> str:
        """Serve `app` in place of the previous app with this name; return its URL."""
        if name not in self._running:
            switch = _Switch(app)
            self._running[name] = switch, self._resources.enter_context(served(switch))
        switch, url = self._running[name]
        switch.app = app
        return url

    def run(self, name: str, fake: FakeT) -> RunningFake[FakeT]:
        """Serve `fake` in place of the previous fake with this name."""
        server = fake.app()
        return RunningFake(fake, server, self.serve(name, server))


@pytest.fixture(scope="session")
def fake_servers() -> Iterator[FakeServers]:
    with ExitStack() as resources:
        yield FakeServers(resources)


@pytest.fixture(scope="module")
async def outgoing() -> AsyncIterator[httpx2.AsyncClient]:
    """The HTTP client that functions use for other services."""
    async with open_client() as client:
        yield client


@pytest.fixture
def fake_openai(fake_servers: FakeServers) -> RunningFake[OpenAi]:
    return fake_servers.run("openai", OpenAi(tokens_per_s=0))


@pytest.fixture
def fake_revenuecat(fake_servers: FakeServers) -> RunningFake[RevenueCat]:
    return fake_servers.run("revenuecat", RevenueCat())


@pytest.fixture
def fake_app_store(fake_servers: FakeServers) -> RunningFake[AppStore]:
    return fake_servers.run("app store", AppStore(SHARED_SECRET))


@pytest.fixture
def fake_sandbox(fake_servers: FakeServers) -> RunningFake[AppStore]:
    return fake_servers.run("app store sandbox", AppStore(SHARED_SECRET, "Sandbox"))


@pytest.fixture
def fake_google_play(fake_servers: FakeServers) -> RunningFake[GooglePlay]:
    return fake_servers.run("google play", GooglePlay())


@pytest.fixture
def fake_cloud_storage(fake_servers: FakeServers) -> RunningFake[CloudStorage]:
    return fake_servers.run("cloud storage", CloudStorage())


@pytest.fixture
def service_account_file(
    fake_servers: FakeServers,
    fake_google_play: RunningFake[GooglePlay],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The service account of this process, with a token server that works."""
    token_server = fake_servers.serve("google tokens", fake_google_play.fake.sign_in_app())
    path = tmp_path / "key.json"
    path.write_text(json.dumps(service_account(token_server)))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    return path
