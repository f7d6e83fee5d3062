"""The command line of `./scripts/serve`."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts.root import ROOT
from scripts.self_hosted import __main__ as command_line
from scripts.self_hosted.commands import serve
from scripts.self_hosted.data_folder import DataFolder
from scripts.self_hosted.errors import CannotServeError
from tests import in_process


def parse(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> argparse.Namespace:
    monkeypatch.setattr(sys, "argv", ["serve", *arguments])
    return command_line.parse()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, str]]:
    """The calls of a command `copy`, which fails for the word `wrong`."""
    made: list[tuple[Path, str]] = []

    def run(folder: DataFolder, options: argparse.Namespace) -> None:
        made.append((folder.path, options.to))
        if options.to == "wrong":
            raise CannotServeError("no such place")

    command = SimpleNamespace(
        __doc__="Copy the data.", add_arguments=lambda parser: parser.add_argument("to"), run=run
    )
    monkeypatch.setattr(command_line, "COMMANDS", {"copy": command})
    return made


def test_options_alone_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    options = parse(monkeypatch, "--data", "d", "--port", "81", "--host", "h")
    assert (options.data, options.port, options.host) == (Path("d"), 81, "h")
    assert options.run is serve.run


@pytest.mark.parametrize(
    "arguments", [("--data", "d", "copy", "there"), ("copy", "there", "--data", "d")]
)
def test_command_takes_the_folder_before_or_after(
    calls: list[tuple[Path, str]], arguments: tuple[str, ...]
) -> None:
    assert in_process.run(command_line.main, *arguments).returncode == 0
    assert calls == [(Path("d"), "there")]


@pytest.mark.usefixtures("calls")
def test_failed_command_ends_with_one_line() -> None:
    failed = in_process.run(command_line.main, "--data", "d", "copy", "wrong")
    assert (failed.returncode, failed.stderr) == (1, "serve: no such place\n")


@pytest.mark.parametrize("arguments", [(), ("--port", "1"), ("--data", "d", "--port", "x")])
def test_incomplete_command_line_is_rejected(arguments: tuple[str, ...]) -> None:
    rejected = in_process.run(command_line.main, *arguments)
    assert rejected.returncode == 2
    assert "Traceback" not in rejected.stderr


@pytest.mark.usefixtures("calls")
def test_help_lists_options_and_commands() -> None:
    helped = in_process.run(command_line.main, "--help")
    assert helped.returncode == 0
    for text in ("--data DIR", "--host", "--port", "copy", "Copy the data."):
        assert text in helped.stdout


def test_script_takes_paths_relative_to_the_folder_of_its_caller(tmp_path: Path) -> None:
    # A package with the same name as ours, and a setting that ends the start.
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "__init__.py").write_text("raise SystemExit('wrong package')")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "settings.env").write_text("OPENAI_RETRIES=x\n")
    rejected = subprocess.run(
        [ROOT / "scripts" / "serve", "--data", "data"],
        cwd=tmp_path,
        env={**os.environ, "OPENAI_RETRIES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert rejected.returncode == 1
    assert rejected.stderr.startswith("serve: OPENAI_RETRIES: ")


@pytest.mark.parametrize(
    ("installed", "chosen"), [(None, ".venv-serve"), ("old", ".venv-serve"), ("new", "default")]
)
def test_script_ignores_an_incomplete_environment(
    tmp_path: Path, installed: str | None, chosen: str
) -> None:
    (tmp_path / "scripts" / "local").mkdir(parents=True)
    (tmp_path / ".venv").mkdir()
    shutil.copy(ROOT / "scripts" / "serve", tmp_path / "scripts")
    (tmp_path / "scripts" / "requirements.txt").write_text("new")
    program = tmp_path / "scripts" / "local" / "python"
    program.write_text("#!/bin/sh\necho ${LIFTLOG_VENV:-default}\n")
    program.chmod(0o700)
    if installed:
        (tmp_path / ".venv" / "installed.txt").write_text(installed)
    output = subprocess.check_output([tmp_path / "scripts" / "serve"], text=True)
    assert output == f"{chosen}\n"
