"""A self-hosted server with all features, and runs of the doctor."""

import subprocess
from collections.abc import Callable, Iterator

import pytest

from scripts.client.doctor import __main__ as doctor
from scripts.local.ports import url
from tests import in_process, stack
from tests.scripts.self_hosted.installation import Installation

KEY = "SECRET-key-of-alice"
SETTINGS = {"API_KEYS": f"alice={KEY}", "WEB_AUTH_KEY": "SECRET-web-key", "OPENAI_MODEL": "fake"}


def settings(**others: str) -> dict[str, str]:
    """Return the settings of a server with all features."""
    return {**SETTINGS, "OPENAI_BASE_URL": f"{url(stack.current().fakes)}/openai/v1", **others}


Serve = Callable[..., str]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with all features."""
    installation = Installation(tmp_path_factory.mktemp("doctor") / "data")
    with installation.serve(**settings()) as running:
        yield running.url


def examine(address: str, *options: str, key: str | None = KEY) -> subprocess.CompletedProcess[str]:
    """Run the doctor, as the app with an API key."""
    given = () if key is None else ("--api-key", key)
    done = in_process.run(doctor.main, address, *given, *options)
    assert "Traceback" not in done.stderr
    assert "SECRET" not in done.stdout + done.stderr
    return done


def works(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the features that work."""
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()[2:6]]
    return [name for name, result in lines if result.startswith("works")]
