"""The journey of both years, on a server with all features or with some."""

import subprocess
from collections import Counter

import pytest

from scripts.client.journey import __main__ as journey
from tests import in_process
from tests.scripts.client.conftest import KEY, TOKEN, settings
from tests.scripts.self_hosted.installation import Installation

STEPS_OF_2025 = 33
STEPS_OF_FEED_CLOCKS = 6
STEPS_OF_SESSION = 2
STEPS_OF_CONVERSATION = 4
STEPS_OF_BACKUPS = 12


def play(address: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the journey."""
    done = in_process.run(journey.main, address, *options)
    assert "Traceback" not in done.stderr
    assert "SECRET" not in done.stdout + done.stderr
    return done


def steps(done: subprocess.CompletedProcess[str]) -> int:
    """Return the number of steps. Each one passed."""
    assert done.returncode == 0, done.stdout
    marks = Counter(line[:1] for line in done.stdout.splitlines())
    assert not marks["✗"]
    assert done.stdout.endswith(f"All {marks['✓']} steps passed.\n")
    return marks["✓"]


def skipped(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return the reasons of skipped features."""
    lines = [line.removeprefix("- ") for line in done.stdout.splitlines() if line[:2] == "- "]
    return {name: reason for name, _, reason in (line.partition(": skipped, ") for line in lines)}


def test_app_of_2026_uses_all_features(server: str) -> None:
    # The second journey meets the users and backups of the first.
    for address in (server, f"{server}/v2/"):
        done = play(address, "--api-key", KEY)
        of_features = STEPS_OF_FEED_CLOCKS + STEPS_OF_CONVERSATION + STEPS_OF_BACKUPS
        assert steps(done) == 1 + STEPS_OF_2025 + of_features
        assert not skipped(done)


def test_app_of_2025_uses_its_features(server: str) -> None:
    assert steps(play(server, "--era", "2025")) == STEPS_OF_2025
    done = play(server, "--era", "2025", "--purchase-token", f"Web {TOKEN}")
    assert steps(done) == STEPS_OF_2025 + STEPS_OF_SESSION


def test_purchase_token_of_2026_is_a_header(server: str) -> None:
    done = play(server, "--purchase-token", f"Web {TOKEN}")
    assert steps(done) == 1 + STEPS_OF_2025 + STEPS_OF_FEED_CLOCKS + STEPS_OF_CONVERSATION
    assert skipped(done) == {"backup": "there is no --api-key or --header"}


def test_steps_without_credentials_are_skipped(server: str) -> None:
    assert skipped(play(server)).keys() == {"aiPlanner", "backup"}


@pytest.mark.parametrize(
    ("on", "off"),
    [
        ("feed", ("SHARING", "AI_PLANNER", "BACKUP")),
        ("sharing", ("FEED", "AI_PLANNER", "BACKUP")),
        ("backup", ("FEED", "SHARING", "AI_PLANNER")),
    ],
)
def test_features_that_are_off_are_skipped(
    installation: Installation, on: str, off: tuple[str, ...]
) -> None:
    others = {f"{name}_ENABLED": "False" for name in off}
    with installation.serve(**settings(**others)) as running:
        done = play(running.url, "--api-key", KEY)
    assert steps(done)
    assert skipped(done).keys() == {"feed", "sharing", "aiPlanner", "backup"} - {on}


def test_wrong_key_ends_the_journey(server: str) -> None:
    done = play(server, "--api-key", f"{KEY}-wrong")
    assert done.returncode == 1
    assert "The journey failed:" in done.stdout


def test_app_of_2025_has_no_headers(server: str) -> None:
    done = play(server, "--era", "2025", "--api-key", KEY)
    assert done.returncode == 2
    assert "apps of 2025 send no headers" in done.stderr


def test_function_without_url_is_skipped(server: str) -> None:
    urls = [f"{name}={server}" for name in ("users", "events", "social", "sharing")]
    done = play(*urls, "--api-key", KEY)
    assert skipped(done) == {
        "aiPlanner": "there is no URL for chat",
        "backup": "there is no URL for backup",
    }
