"""Fake programs: each is a short script that sends its call to the process of the tests.

Starting Python for each call would take most of the time of these tests.
"""

import json
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

from scripts.local.ports import HOST
from tests.scripts.cloud.programs.call import Call, Command, RefusedError, State

# Two blocks of base64: the words of the call, each with a NUL behind it, and the standard input.
_SCRIPT = """#!/usr/bin/env bash
exec 3<>/dev/tcp/{host}/{port}
{{ printf '%s\\0' {program} "$@" | base64; echo .; base64; echo .; }} >&3
IFS=, read -r status out err <&3
base64 -d <<<"$out"
base64 -d <<<"$err" >&2
exit "$status"
"""


class Programs:
    """The fake programs, and the state that they share."""

    def __init__(self, commands: Mapping[str, Command]) -> None:
        self._commands = commands
        self._lock = threading.Lock()
        self._state: State = {}

    @contextmanager
    def state(self) -> Iterator[State]:
        """Yield the state, which no program uses or changes during the block."""
        with self._lock:
            yield self._state
            # The state is JSON, whatever a test has put into it.
            self._state = json.loads(json.dumps(self._state))

    def answer(self, program: str, call: Call) -> tuple[int, str, str]:
        """Return the status of a call, and its two outputs."""
        with self.state() as state:
            state.setdefault("calls", []).append([program, *call.arguments])
            try:
                return 0, self._commands[program](state, call), ""
            except RefusedError as error:
                return 1, error.printed, f"{error}\n"


@contextmanager
def serving(folder: Path, commands: Mapping[str, Command]) -> Iterator[Programs]:
    """Put the programs into a folder, and answer their calls for the length of the block."""
    programs = Programs(commands)

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            program, *arguments = self._block().decode().split("\0")[:-1]
            call = Call(arguments, self._block(), self.rfile.read)
            status, *outputs = programs.answer(program, call)
            encoded = (b64encode(each.encode()).decode() for each in outputs)
            with suppress(ConnectionError):  # the program was ended
                self.wfile.write(f"{','.join([str(status), *encoded])}\n".encode())

        def _block(self) -> bytes:
            lines = []
            while (line := self.rfile.readline()) not in {b".\n", b""}:
                lines.append(line)
            return b64decode(b"".join(lines))

    with ThreadingTCPServer((HOST, 0), Handler) as server:
        for program in commands:
            script = folder / program
            port = server.server_address[1]
            script.write_text(_SCRIPT.format(host=HOST, port=port, program=program))
            script.chmod(0o755)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield programs
        finally:
            server.shutdown()
            thread.join()
