"""Runs of the doctor."""

import subprocess

from scripts.client.doctor import __main__ as doctor
from tests import in_process
from tests.scripts.client.conftest import KEY


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
