"""A self-hosted server with all features of today's app."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.local.ports import url
from tests import stack
from tests.scripts.self_hosted.installation import Installation

KEY = "SECRET-key-of-alice"
TOKEN = "SECRET-web-key"  # noqa: S105 - valid only for these servers
SETTINGS = {"API_KEYS": f"alice={KEY}", "WEB_AUTH_KEY": TOKEN, "OPENAI_MODEL": "fake"}


def settings(**others: str) -> dict[str, str]:
    """Return the settings of a server with all features."""
    return {**SETTINGS, "OPENAI_BASE_URL": f"{url(stack.current().fakes)}/openai/v1", **others}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with all features."""
    installation = Installation(tmp_path_factory.mktemp("server") / "data")
    with installation.serve(**settings()) as running:
        yield running.url


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """An installation for a server with other settings."""
    return Installation(tmp_path / "data")
