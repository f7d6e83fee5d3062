"""The gcloud commands of the scripts and the docs, checked by gcloud itself."""

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from scripts.root import ROOT

pytestmark = pytest.mark.gcloud

UNKNOWN = "gcloud run services list --no-such-flag=1"


def script_commands() -> set[str]:
    """Return the commands in the golden files of dry runs."""
    golden = Path(__file__).parent / "golden"
    shown = "\n".join(path.read_text() for path in golden.glob("*.txt"))
    return {
        re.sub(r" < \(.*\)$", "", re.sub(r"<[^<>]*>", "x", command))
        for command in re.findall(r"^[$ ] (gcloud .*)", shown, re.MULTILINE)
    }


def documented_commands() -> tuple[set[str], set[str]]:
    """Return the commands of the docs: those in blocks, and those in sentences."""
    pages = "\n".join(path.read_text() for path in (ROOT / "docs").rglob("*.md"))
    pages = pages.replace("PROJECT", "liftlog-prod")
    in_blocks = re.findall(r"^(gcloud .+)$", pages, re.MULTILINE)
    in_text = re.findall(r"`(gcloud [a-z]+ [^`]+)`", pages)
    return set(in_blocks), set(in_text)


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Errors by command, from one run of gcloud: its start is slow."""
    commands = sorted(script_commands().union(*documented_commands(), {UNKNOWN}))
    file = tmp_path_factory.mktemp("gcloud") / "commands.json"
    file.write_text(json.dumps([{"command_string": command} for command in commands]))
    done = subprocess.run(
        ["gcloud", "meta", "lint-gcloud-commands", f"--commands-file={file}"],  # noqa: S607 - gcloud is on the PATH
        capture_output=True,
        text=True,
        check=True,
    )
    checked = json.loads(done.stdout)
    assert {each["command_string"] for each in checked} == set(commands)
    return {
        each["command_string"]: each["error_message"] for each in checked if not each["success"]
    }


def rejected(commands: Iterable[str], errors: Mapping[str, str]) -> dict[str, str]:
    """Return the errors of those commands that gcloud rejects."""
    return {command: errors[command] for command in commands if command in errors}


def test_gcloud_accepts_script_commands(errors: Mapping[str, str]) -> None:
    assert len(script_commands()) > 20
    assert rejected(script_commands(), errors) == {}


def test_gcloud_accepts_documented_commands(errors: Mapping[str, str]) -> None:
    in_blocks, in_text = documented_commands()
    assert len(in_blocks) > 20
    assert len(in_text) > 5
    assert rejected(in_blocks | in_text, errors) == {}


def test_gcloud_rejects_unknown_flag(errors: Mapping[str, str]) -> None:
    assert "--no-such-flag" in errors[UNKNOWN]
