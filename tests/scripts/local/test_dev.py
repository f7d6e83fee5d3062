"""`./scripts/dev` on a database file."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from rich.console import Console

from scripts.fakes.settings import WEB_KEY
from scripts.local import dev
from scripts.local.ports import Ports, url
from scripts.local.stack import Stack, free_ports
from scripts.local.summary import Summary
from scripts.root import ROOT
from tests import in_process

NEW_USER = "/user/create"


def create_user(own: Stack) -> str:
    response = httpx.post(url(own.ports.base) + NEW_USER, json={}, timeout=60)
    assert response.status_code == 200
    return str(response.json()["id"])


def find_user(own: Stack, user_id: str) -> int:
    return httpx.get(f"{url(own.ports.base)}/user/{user_id}", timeout=60).status_code


def refused(folder: Path) -> str:
    """Start a stack that has to fail. Return the line that it prints."""
    result = in_process.run(
        dev.main, "--port", str(free_ports().base), "--env-file", os.devnull, "--data", str(folder)
    )
    assert result.returncode == 1
    [line] = result.stderr.splitlines()
    return line


def test_data_survives_until_a_fresh_start(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with Stack("--data", str(folder)) as own:
        user_id = create_user(own)
    with Stack("--data", str(folder)) as own:
        assert find_user(own, user_id) == 200
    with Stack("--data", str(folder), "--fresh") as own:
        assert find_user(own, user_id) == 404


@pytest.mark.parametrize("options", [(), ("--isolated",)], ids=["one process", "isolated"])
def test_backups_work_with_the_key_of_the_debug_build(options: tuple[str, ...]) -> None:
    headers = {"X-API-Key": WEB_KEY}
    with Stack(*options) as own:
        backup = url(own.ports.of("backup"))
        features = httpx.get(f"{url(own.ports.of('users'))}/features", timeout=60).json()
        assert features == dict.fromkeys(("feed", "sharing", "aiPlanner", "backup"), True)
        sent = httpx.post(f"{backup}/backup", content=b"backup", headers=headers, timeout=60)
        assert sent.status_code == 200
        read = httpx.get(f"{backup}/backup/latest", headers=headers, timeout=60)
        assert read.content == b"backup"
        folder = own.data / "liftlog-backups"
        assert len(list(folder.glob("*/*.gz"))) == 1
        lines = [line.split() for line in own.output]
        assert ["backups", str(folder.relative_to(ROOT))] in lines
        assert ["API", "key", WEB_KEY] in [line[:3] for line in lines]


def test_backups_of_a_bucket_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    summary = Summary(Console(), Ports(), {"BACKUP_BUCKET": "mine"}, isolated=False)
    summary.show_backups({})
    assert capsys.readouterr().out.split() == ["backups", "gs://mine"]


def test_processes_get_variables_of_one_database_only() -> None:
    # `--data` wins over an emulator that the environment names.
    with Stack(environment={"FIRESTORE_EMULATOR_HOST": "127.0.0.1:1"}) as own:
        for child in psutil.Process(own.pid).children(recursive=True):
            environment = child.environ()
            assert environment["DATABASE_FILE"] == str(own.data / "liftlog.db")
            assert "FIRESTORE_EMULATOR_HOST" not in environment
            assert "PUBSUB_EMULATOR_HOST" not in environment


def test_file_of_a_newer_version_is_refused_in_one_line(tmp_path: Path) -> None:
    with Stack("--data", str(tmp_path)):
        pass
    with closing(sqlite3.connect(tmp_path / "liftlog.db")) as file:
        file.execute("PRAGMA user_version = 999")
    line = refused(tmp_path)
    assert "schema version 999" in line
    assert "--data DIR" in line


def test_file_of_another_program_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "liftlog.db").write_text("This is no database. " * 100)
    assert f"cannot use {tmp_path}/liftlog.db: file is not a database" in refused(tmp_path)


def test_folder_without_write_access_is_refused() -> None:
    assert "cannot write to /proc/data" in refused(Path("/proc/data"))


@contextmanager
def copied_stack(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """Run a copy of the code with `--reload`; yield its process and its port."""
    for name in ("functions", "shared", "scripts"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    port = free_ports().base
    command = [sys.executable, "-m", "scripts.local.dev", "--reload", "--port", str(port)]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [*command, "--env-file", os.devnull, "--data", str(folder / "data")],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            yield process, port
        finally:
            process.terminate()


def read_until(process: "subprocess.Popen[str]", text: str) -> None:
    """Read the output up to a line with `text`."""
    assert process.stdout is not None
    assert any(text in line for line in process.stdout), text


def test_reload_serves_changed_code(tmp_path: Path) -> None:
    with copied_stack(tmp_path) as (process, port):
        code = tmp_path / "functions" / "users" / "main.py"
        working = code.read_text()
        read_until(process, "ready")
        code.write_text(f"{working}\nraise RuntimeError('of the test')\n")
        read_until(process, "functions/users/main.py changed: the gateway ended")
        assert "raise RuntimeError('of the test')" in (tmp_path / "log").read_text()
        code.write_text(working)
        read_until(process, "functions/users/main.py changed: reloaded in ")
        assert httpx.post(url(port) + NEW_USER, json={}, timeout=60).status_code == 200
        process.send_signal(signal.SIGINT)
        read_until(process, "stopped")
        assert process.wait(timeout=300) == 0
