"""Run commands of `scripts/` inside the test process, to save the start of a Python process.

A command gets the arguments, environment, standard files and working directory of a real process.
Its signal handlers and its file mode mask are removed when it ends.
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
        main: the entry point of the command.
        arguments: the command line, without the name of the command.
        given: the standard input; empty by default.
        environment: the environment variables; those of this process by default.
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
    """Call a command with these standard files; return the exit status."""
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
    """Replace the descriptors 0 to 2, for Python and for child processes."""
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
    """Replace the arguments and environment variables of the process."""
    before = sys.argv, dict(os.environ)
    umask = os.umask(0)
    os.umask(umask)
    sys.argv = [sys.argv[0], *arguments]
    try:
        _set_environment(dict(environment))
        yield
    finally:
        os.umask(umask)
        sys.argv, variables = before
        _set_environment(variables)


def _set_environment(variables: Mapping[str, str]) -> None:
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)


@contextmanager
def _signals() -> Iterator[None]:
    """Use Python's default signal handlers, and restore the previous ones at the end."""
    before = {number: signal.getsignal(number) for number in ENDING}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
