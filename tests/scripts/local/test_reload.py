"""The restart of services after a change of their code."""

import sys
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from scripts.local import reload
from scripts.local.ports import url
from scripts.local.processes import Processes, ProgramEndedError
from scripts.local.reload import Reloader, changes
from scripts.local.services import Program
from scripts.local.stack import free_ports
from scripts.root import ROOT

SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"VERSION")

    def log_message(self, *_):
        pass

HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
CHANGED = ROOT / "functions" / "users" / "handlers.py"


class Service:
    """A service whose code the test changes."""

    def __init__(self, folder: Path) -> None:
        self._code = folder / "server.py"
        self.port = free_ports().base
        command = [sys.executable, str(self._code), str(self.port)]
        self.program = Program("the service", command, {}, self.port)
        self.write(SERVER)

    def write(self, code: str, version: str = "1") -> None:
        self._code.write_text(code.replace("VERSION", version))

    def version(self) -> str:
        return httpx.get(url(self.port), timeout=60).text


class Running:
    """A service and another process, with a reloader."""

    def __init__(self, processes: Processes, service: Service) -> None:
        self.processes, self.service, self.output = processes, service, StringIO()
        processes.start("the fakes", ["sleep", "600"], {})
        service.program.start(processes)
        service.program.wait(processes)
        console = Console(file=self.output, soft_wrap=True)
        self.reloader = Reloader(processes, [service.program], console)

    def shown(self) -> list[str]:
        return self.output.getvalue().splitlines()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with Processes() as processes:
        yield Running(processes, Service(tmp_path))


def test_change_restarts_the_service(running: Running) -> None:
    def batches() -> Iterator[list[Path]]:
        yield []
        assert running.service.version() == "1"
        running.service.write(SERVER, "2")
        yield [CHANGED]
        assert running.service.version() == "2"

    running.reloader.run(batches())
    [line] = running.shown()
    assert line.startswith("functions/users/handlers.py changed: reloaded in ")
    assert running.processes.ended(["the fakes", "the service"]) == []


def test_broken_code_waits_for_the_next_change(running: Running) -> None:
    def batches() -> Iterator[list[Path]]:
        running.service.write("raise SystemExit(1)")
        yield [CHANGED, CHANGED]
        yield []  # reported once
        running.service.write(SERVER, "2")
        yield [CHANGED]
        assert running.service.version() == "2"

    running.reloader.run(batches())
    broken, repaired = running.shown()
    expected = "functions/users/handlers.py and 1 more changed: the service ended; the next change"
    assert broken.startswith(expected)
    assert "reloaded" in repaired


def test_service_that_ends_is_reported_once(running: Running) -> None:
    def batches() -> Iterator[list[Path]]:
        running.processes.end(["the service"], 60)
        running.processes.start("the service", ["false"], {})
        while not running.processes.ended(["the service"]):
            pass
        yield []
        yield []
        yield [CHANGED]
        assert running.service.version() == "1"

    running.reloader.run(batches())
    ended, reloaded = running.shown()
    assert ended.startswith("the service ended")
    assert "reloaded" in reloaded


def test_end_of_another_process_ends_the_stack(running: Running) -> None:
    running.processes.start("another", ["false"], {})

    def batches() -> Iterator[list[Path]]:
        while True:
            yield []

    with pytest.raises(ProgramEndedError, match="another ended with status 1"):
        running.reloader.run(batches())


def test_changes_are_those_of_python_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload, "ROOT", tmp_path)
    for folder in ("functions", "shared", "scripts"):
        (tmp_path / folder).mkdir()
    batches = changes()
    for name in ("scripts/other.py", "shared/notes.txt", "shared/code.py"):
        (tmp_path / name).write_text("")
    assert _first(batches) == [tmp_path / "shared" / "code.py"]


def _first(batches: Iterator[Sequence[Path]]) -> Sequence[Path]:
    """Return the first batch with changes."""
    return next(batch for batch in batches if batch)
