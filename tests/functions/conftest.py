"""Servers with other settings than the shared one, in this process."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from functions.chat.server import Server, build_config, open_listener
from scripts.fakes.settings import local_services
from scripts.local.ports import HOST, Ports, url
from scripts.local.storage import FILE, VARIABLES
from shared.web.app import build_app
from tests.functions.chat.running_chat import ChatEndpoint

API_KEY = "SECRET-key-of-the-household"
"""The bare API key of each server."""


class StartServer(Protocol):
    """Starts a server with all services, or returns the running one with the same settings."""

    def __call__(self, **settings: str) -> ChatEndpoint:
        """Return the server with these settings, a language model, backups and `API_KEY`."""


@pytest.fixture(scope="session")
def server_with(ports: Ports, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Return a function that starts servers; they run until the last test."""
    running: dict[frozenset[tuple[str, str]], ChatEndpoint] = {}
    complete = {**local_services({}, url(ports.fakes)), "API_KEYS": API_KEY}
    with ExitStack() as servers:

        def start(**settings: str) -> ChatEndpoint:
            given = frozenset(settings.items())
            if given not in running:
                data = tmp_path_factory.mktemp("server")
                running[given] = servers.enter_context(served({**complete, **settings}, data))
            return running[given]

        yield start


@contextmanager
def served(settings: Mapping[str, str], data: Path) -> Iterator[ChatEndpoint]:
    """Serve all services during the block, as `./scripts/serve` does, with its data in `data`."""
    # Not before `tests/conftest.py` has replaced the set-up of logging, which these imports call.
    from scripts.self_hosted.features import configured_features  # noqa: PLC0415
    from scripts.self_hosted.running import build_services, dependencies  # noqa: PLC0415

    with pytest.MonkeyPatch.context() as environment:
        for name in VARIABLES:
            environment.delenv(name, raising=False)
        environment.setenv(FILE, str(data / "liftlog.db"))
        environment.setenv("BACKUP_FOLDER", str(data / "backups"))
        for name, value in settings.items():
            environment.setenv(name, value)
        features = configured_features()
        services = build_services(features)
        checks, of_routes = dependencies(services, features), features.of_routes
    app = build_app(services.app_routes, services.chat.sockets(), checks, of_routes)

    async def close() -> None:
        await services.resources.http.aclose()
        await services.database.close()

    listener = open_listener(HOST, 0)
    server = Server(build_config(app), services.chat, 1, close)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield ChatEndpoint(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
