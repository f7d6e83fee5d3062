"""The commands of the page for operators of a self-hosted server."""

import asyncio
import re
import shlex
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path

import pytest

from scripts.client.doctor import __main__ as doctor
from scripts.client.doctor.findings import Finding
from scripts.client.journey import __main__ as journey
from scripts.root import ROOT
from scripts.self_hosted import __main__ as serve

PAGE = (ROOT / "docs" / "self-hosting.md").read_text()
FOLDER = ROOT / "infra" / "self-hosting"
_IN_CONTAINER = "python -m scripts.self_hosted"
_OTHER_PROGRAMS = {
    "apt-get", "cd", "cp", "curl", "docker", "find", "gcloud", "git", "journalctl", "mkdir",
    "systemctl",
}  # fmt: skip


def commands() -> Iterator[tuple[str, ...]]:
    """Yield the commands of the page and of the units, each without `sudo` and variables."""
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    [crontab] = re.findall(r"^30 3 \* \* \* (.+)$", PAGE, re.MULTILINE)
    units = [*FOLDER.glob("*.service"), ROOT / "docs" / "self-hosting.md"]
    started = [
        line
        for unit in units
        for line in re.findall(r"^Exec\w+=-?(.+)$", unit.read_text(), re.MULTILINE)
    ]
    for line in [*"".join(blocks).splitlines(), crontab, *started]:
        for command in re.split(r" \| | && ", line):
            words = shlex.split(command)
            while words[0] == "sudo" or re.match(r"[A-Z_]+=", words[0]):
                words.pop(0)
            yield tuple(words)


def program(command: tuple[str, ...]) -> str:
    return Path(command[0]).name


def of_serve() -> Iterator[tuple[str, ...]]:
    """Yield the arguments of every call of `./scripts/serve`."""
    for command in commands():
        if program(command) == "serve":
            yield command[1:]
        elif (start := " ".join(command).find(_IN_CONTAINER)) >= 0:
            yield tuple(" ".join(command)[start + len(_IN_CONTAINER) :].split())


@pytest.mark.parametrize("arguments", sorted({*of_serve()} - {("--help",)}), ids=" ".join)
def test_arguments_of_serve_are_accepted(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr(sys, "argv", ["serve", *arguments])
    assert callable(serve.parse().run)


def test_page_shows_every_command_for_the_data() -> None:
    assert set(serve.COMMANDS) <= {word for arguments in of_serve() for word in arguments}


def test_arguments_of_the_journey_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(coroutine: Coroutine[None, None, int]) -> int:
        coroutine.close()
        return 0

    monkeypatch.setattr(asyncio, "run", run)
    calls = [command for command in commands() if program(command) == "journey"]
    assert calls
    for call in calls:
        monkeypatch.setattr(sys, "argv", [*call])
        assert journey.main() == 0


def test_arguments_of_the_doctor_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(coroutine: Coroutine[None, None, list[Finding]]) -> list[Finding]:
        coroutine.close()
        return []

    monkeypatch.setattr(asyncio, "run", run)
    calls = [command for command in commands() if program(command) == "doctor"]
    assert calls
    for call in calls:
        monkeypatch.setattr(sys, "argv", [*call])
        assert doctor.main() == 0


def test_other_programs_are_known() -> None:
    ours = {"serve", "journey", "doctor"}
    assert {program(command) for command in commands()} - ours <= {*_OTHER_PROGRAMS, "install"}


def test_named_units_exist() -> None:
    named = set(re.findall(r"[\w-]+\.(?:service|timer)\b", PAGE))
    assert named == {
        path.name for path in FOLDER.iterdir() if path.suffix in {".service", ".timer"}
    }


def test_code_of_units_is_where_the_page_installs_it() -> None:
    assert "git clone REPOSITORY /opt/liftlog\n" in PAGE
    started = " ".join(unit.read_text() for unit in FOLDER.glob("*.service"))
    assert set(re.findall(r"(/\S+)/scripts/serve", started)) == {"/opt/liftlog"}
