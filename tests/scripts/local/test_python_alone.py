"""The commands of a newcomer, on a machine with Python alone."""

import subprocess
from pathlib import Path

import pytest

from scripts.client.backend import DEBUG_KEY
from scripts.local.ports import url
from scripts.local.stack import Stack
from scripts.root import ROOT
from tests.scripts.local.python_alone import alone, create_path

TESTS_OF_STORE = "tests/shared/store/test_quotas.py"


@pytest.fixture
def prefix(tmp_path: Path) -> list[str]:
    """The beginning of a command on this machine."""
    (folder := tmp_path / "bin").mkdir()
    (home := tmp_path / "home").mkdir()
    return alone(create_path(folder), home)


def run(prefix: list[str], command: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, str(ROOT / "scripts" / command), *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_tests_of_emulators_are_deselected(prefix: list[str], *, is_long: bool) -> None:
    options = ["-q", "-p", "no:cacheprovider", *([] if is_long else ["--collect-only"])]
    done = run(prefix, "test", *options, TESTS_OF_STORE)
    assert done.returncode == 0, done.stdout
    assert "[sqlite]" in done.stdout or " passed" in done.stdout
    assert "[firestore]" not in done.stdout
    [line] = [each for each in done.stdout.splitlines() if each.startswith("Not compared")]
    assert line.startswith("Not compared with Google's emulators, in ")
    assert line.endswith("To compare: run ./scripts/emulators install")


def test_ci_names_the_missing_program_at_the_start(prefix: list[str]) -> None:
    done = run([*prefix, "CI=true"], "test", "-q", TESTS_OF_STORE)
    assert done.returncode != 0
    assert "Google's emulators" in done.stderr
    assert "./scripts/emulators install" in done.stderr
    assert " passed" not in done.stdout


def test_dev_serves_the_journey(prefix: list[str]) -> None:
    [path] = [each.removeprefix("PATH=") for each in prefix if each.startswith("PATH=")]
    with Stack(environment={"PATH": path}) as own:
        played = run(prefix, "journey", "--api-key", DEBUG_KEY, url(own.ports.base))
    assert played.returncode == 0, played.stdout
    assert "All 56 steps passed." in played.stdout
