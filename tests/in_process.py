"""Commands of `scripts/` in the process of the tests: the start of Python takes most of a second.

A command gets the arguments, environment, standard files and working folder that it would have as
a process. Signal handlers that it has set are removed when it ends.
"""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager
from tempfile import TemporaryFile
from typing import IO

from scripts.local.interruptions import ENDING
from scripts.root import ROOT


def run(
    main: Callable[[], int | None],
    *arguments: str,
    given: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end.

    Args:
        main: the command.
        arguments: its command line, without its name.
        given: its standard input; nothing by default.
        environment: its environment; that of this process by default.
    """
    with TemporaryFile() as source, TemporaryFile() as output, TemporaryFile() as errors:
        source.write((given or "").encode())
        source.seek(0)
        status = _call(main, arguments, (source, output, errors), environment or os.environ)
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read().decode())
    return subprocess.CompletedProcess(list(arguments), status, *texts)


def _call(
    main: Callable[[], int | None],
    arguments: tuple[str, ...],
    files: tuple[IO[bytes], IO[bytes], IO[bytes]],
    environment: Mapping[str, str],
) -> int:
    """Call a command with standard files; return the exit status."""
    with (
        _standard_files(files),
        _process(arguments, environment),
        _signals(),
        chdir(ROOT),
    ):
        try:
            return main() or 0
        except SystemExit as end:
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
            return end.code if isinstance(end.code, int) else int(end.code is not None)


@contextmanager
def _standard_files(files: tuple[IO[bytes], ...]) -> Iterator[None]:
    """Let the descriptors 0 to 2 be other files, for Python and for programs that it starts."""
    before = sys.stdin, sys.stdout, sys.stderr
    for stream in before[1:]:
        stream.flush()
    with ExitStack() as stack:
        for number, file in enumerate(files):
            saved = os.dup(number)
            stack.callback(os.close, saved)
            stack.callback(os.dup2, saved, number)
            os.dup2(file.fileno(), number)
        sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False))
        sys.stdout, sys.stderr = (
            io.TextIOWrapper(io.FileIO(number, "w", closefd=False), write_through=True)
            for number in (1, 2)
        )
        try:
            yield
        finally:
            sys.stdin, sys.stdout, sys.stderr = before


@contextmanager
def _process(arguments: tuple[str, ...], environment: Mapping[str, str]) -> Iterator[None]:
    """Let the process have other arguments and variables."""
    before = sys.argv, dict(os.environ)
    sys.argv = [sys.argv[0], *arguments]
    try:
        _set_environment(dict(environment))
        yield
    finally:
        sys.argv, variables = before
        _set_environment(variables)


def _set_environment(variables: Mapping[str, str]) -> None:
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)


@contextmanager
def _signals() -> Iterator[None]:
    """Keep the handlers of signals; those that end a program do what Python lets them do."""
    before = {number: signal.getsignal(number) for number in ENDING}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
