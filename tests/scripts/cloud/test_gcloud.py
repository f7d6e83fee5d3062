"""Whether gcloud itself takes the calls that our commands make, and those that the runbook has."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from scripts.root import ROOT

pytestmark = pytest.mark.skipif(
    shutil.which("gcloud") is None and "CI" not in os.environ,  # where it is, it has to run
    reason="there is no gcloud on the PATH",
)

UNKNOWN = "gcloud run services list --no-such-flag=1"


def of_commands() -> set[str]:
    """Return the calls of our commands, as their dry runs show them."""
    golden = Path(__file__).parent / "golden"
    shown = "\n".join(path.read_text() for path in golden.glob("*.txt"))
    return {
        re.sub(r" < \(.*\)$", "", re.sub(r"<[^<>]*>", "x", call))
        for call in re.findall(r"^[$ ] (gcloud .*)", shown, re.MULTILINE)
    }


def of_runbook() -> tuple[set[str], set[str]]:
    """Return the calls of the runbook: those in blocks, and those in its text."""
    pages = "\n".join(path.read_text() for path in (ROOT / "docs").rglob("*.md"))
    pages = pages.replace("PROJECT", "liftlog-prod")
    in_blocks = re.findall(r"^(gcloud .+)$", pages, re.MULTILINE)
    in_text = re.findall(r"`(gcloud [a-z]+ [^`]+)`", pages)
    return set(in_blocks), set(in_text)


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The errors of gcloud by call; one start, which is slow, checks all calls."""
    calls = sorted(of_commands().union(*of_runbook(), {UNKNOWN}))
    commands = tmp_path_factory.mktemp("gcloud") / "commands.json"
    commands.write_text(json.dumps([{"command_string": call} for call in calls]))
    answer = subprocess.run(
        ["gcloud", "meta", "lint-gcloud-commands", f"--commands-file={commands}"],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    checked = json.loads(answer.stdout)
    assert {each["command_string"] for each in checked} == set(calls)
    return {
        each["command_string"]: each["error_message"] for each in checked if not each["success"]
    }


def refused(calls: Iterable[str], errors: Mapping[str, str]) -> dict[str, str]:
    """Return the errors of those calls that gcloud refuses."""
    return {call: errors[call] for call in calls if call in errors}


def test_gcloud_takes_every_call_of_our_commands(errors: Mapping[str, str]) -> None:
    assert len(of_commands()) > 20
    assert refused(of_commands(), errors) == {}


def test_gcloud_takes_every_call_of_the_runbook(errors: Mapping[str, str]) -> None:
    in_blocks, in_text = of_runbook()
    assert len(in_blocks) > 20
    assert len(in_text) > 5
    assert refused(in_blocks | in_text, errors) == {}


def test_a_call_that_gcloud_does_not_know_is_refused(errors: Mapping[str, str]) -> None:
    assert "--no-such-flag" in errors[UNKNOWN]
