"""Whether gcloud itself takes the calls that our commands make, and those that the runbook has."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from scripts.root import ROOT

pytestmark = pytest.mark.skipif(
    shutil.which("gcloud") is None and "CI" not in os.environ,  # where it is, it has to run
    reason="there is no gcloud on the PATH",
)


def refused(calls: Iterable[str], place: Path) -> list[str]:
    """Return why gcloud does not take some calls; it says so without making them."""
    commands = place / "commands.json"
    commands.write_text(json.dumps([{"command_string": call} for call in sorted(calls)]))
    answer = subprocess.run(
        ["gcloud", "meta", "lint-gcloud-commands", f"--commands-file={commands}"],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return [
        f"{each['command_string']}: {each['error_message']}"
        for each in json.loads(answer.stdout)
        if not each["success"]
    ]


def test_gcloud_takes_every_call_of_our_commands(tmp_path: Path) -> None:
    golden = Path(__file__).parent / "golden"
    shown = "\n".join(path.read_text() for path in golden.glob("*.txt"))
    calls = {
        re.sub(r" < \(.*\)$", "", re.sub(r"<[^<>]*>", "x", call))
        for call in re.findall(r"^[$ ] (gcloud .*)", shown, re.MULTILINE)
    }
    assert len(calls) > 20
    assert refused(calls, tmp_path) == []


def test_gcloud_takes_every_call_of_the_runbook(tmp_path: Path) -> None:
    pages = "\n".join(path.read_text() for path in (ROOT / "docs").rglob("*.md"))
    pages = pages.replace("PROJECT", "liftlog-prod")
    in_blocks = re.findall(r"^(gcloud .+)$", pages, re.MULTILINE)
    in_text = re.findall(r"`(gcloud [a-z]+ [^`]+)`", pages)
    assert len(in_blocks) > 20
    assert len(in_text) > 5
    assert refused({*in_blocks, *in_text}, tmp_path) == []


def test_a_call_that_gcloud_does_not_know_is_refused(tmp_path: Path) -> None:
    [why] = refused(["gcloud run services list --no-such-flag=1"], tmp_path)
    assert "--no-such-flag" in why
