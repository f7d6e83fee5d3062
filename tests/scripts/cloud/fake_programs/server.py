"""Fake programs: each is a short script that sends its arguments to the process of the tests.

Starting Python for each run would take most of the time of these tests.
"""

import json
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

from scripts.local.ports import HOST
from tests.scripts.cloud.fake_programs.program_run import (
    Program,
    ProgramFailedError,
    ProgramRun,
    State,
)

# Sends two blocks of base64: the words of the command, each with a NUL, and the standard input.
_SCRIPT = """#!/usr/bin/env bash
exec 3<>/dev/tcp/{host}/{port}
{{ printf '%s\\0' {program} "$@" | base64; echo .; base64; echo .; }} >&3
IFS=, read -r status out err <&3
base64 -d <<<"$out"
base64 -d <<<"$err" >&2
exit "$status"
"""


class FakePrograms:
    """The fake programs, and the state that they share."""

    def __init__(self, programs: Mapping[str, Program]) -> None:
        self._programs = programs
        self._lock = threading.Lock()
        self._state: State = {}

    @contextmanager
    def state(self) -> Iterator[State]:
        """Yield the state; no program reads or changes it during the block."""
        with self._lock:
            yield self._state
            # Keeps the state JSON: a test may have set tuples.
            self._state = json.loads(json.dumps(self._state))

    def respond(self, program: str, run: ProgramRun) -> tuple[int, str, str]:
        """Return the exit status of a run, and its two outputs."""
        with self.state() as state:
            state.setdefault("commands", []).append([program, *run.arguments])
            try:
                return 0, self._programs[program](state, run), ""
            except ProgramFailedError as error:
                return 1, error.stdout, f"{error}\n"


@contextmanager
def serve_programs(folder: Path, programs: Mapping[str, Program]) -> Iterator[FakePrograms]:
    """Write the programs into a folder, and respond to them during the block."""
    fake = FakePrograms(programs)

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            program, *arguments = self._read_block().decode().split("\0")[:-1]
            run = ProgramRun(arguments, self._read_block(), self.rfile.read)
            status, *outputs = fake.respond(program, run)
            encoded = (b64encode(each.encode()).decode() for each in outputs)
            with suppress(ConnectionError):  # a signal has ended the program
                self.wfile.write(f"{','.join([str(status), *encoded])}\n".encode())

        def _read_block(self) -> bytes:
            lines = []
            while (line := self.rfile.readline()) not in {b".\n", b""}:
                lines.append(line)
            return b64decode(b"".join(lines))

    with ThreadingTCPServer((HOST, 0), Handler) as server:
        for program in programs:
            script = folder / program
            port = server.server_address[1]
            script.write_text(_SCRIPT.format(host=HOST, port=port, program=program))
            script.chmod(0o755)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
