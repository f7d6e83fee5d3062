"""Runs other programs, mostly gcloud and terraform, and prints each command before it runs."""

import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import IO

from rich.console import Console
from rich.markup import escape

from scripts.local.interruptions import interruptions_held
from scripts.root import ROOT

_READ_TIMEOUT_S = 120
# The first apply creates a database and builds six functions.
_CHANGE_TIMEOUT_S = 3600
# Terraform needs time after SIGINT to save its state and release the lock.
_STOP_TIMEOUT_S = 120
_MAX_STDERR_LINES = 10


class CommandFailedError(Exception):
    """A program is missing, timed out or failed; the message has the command and its errors."""


class CommandRunner:
    """Runs programs in the root folder of the project, and prints each command.

    A dry run executes commands that only read, because later commands depend on their output.
    It only prints commands that change something.
    """

    def __init__(self, console: Console, *, dry: bool) -> None:
        self.is_dry = dry
        self._console = console

    def read(
        self, *arguments: str, timeout_s: float = _READ_TIMEOUT_S, if_dry: str | None = None
    ) -> str:
        """Run a program that changes nothing, and return its standard output.

        Args:
            arguments: the program and its arguments.
            timeout_s: the time limit.
            if_dry: the result of a dry run, which then does not execute the command. For output
                that does not exist yet in a dry run, or that it does not need.

        Raises:
            CommandFailedError: the program failed.
        """
        self._console.print(f"[dim]  {escape(shlex.join(arguments))}[/]", markup=True)
        if self.is_dry and if_dry is not None:
            return if_dry
        return _output(arguments, timeout_s)

    def change(
        self,
        *arguments: str,
        stdin: str | Path | None = None,
        timeout_s: float = _CHANGE_TIMEOUT_S,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        """Run a program that changes something; its output goes to the terminal.

        Args:
            arguments: the program and its arguments. Other users can see them in process lists.
            stdin: the standard input: a text, which is not printed, or a file.
            timeout_s: the time limit.
            secrets: environment variables whose values are not printed.

        Raises:
            CommandFailedError: the program failed.
        """
        # Printed so that an operator can repeat the command, with a value for each `...`.
        hidden = "".join(f"{name}=... " for name in secrets or ())
        source = f" < {shlex.quote(str(stdin))}" if isinstance(stdin, Path) else ""
        if isinstance(stdin, str):
            source = " < (hidden)"
        shown = f"{hidden}{shlex.join(arguments)}{source}"
        self._console.print(f"[bold]$ {escape(shown)}[/]", markup=True)
        if not self.is_dry:
            _run(arguments, stdin, timeout_s, secrets or {})


def interrupt_on_sigterm() -> None:
    """Handle SIGTERM, the signal of a platform, like Ctrl-C: a stage can then clean up."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def _output(arguments: Sequence[str], timeout_s: float) -> str:
    start = partial(_start, arguments, subprocess.DEVNULL, subprocess.PIPE, {})
    status, stdout, stderr = _wait(start, None, timeout_s)
    if status:
        lines = stderr.strip().splitlines()[-_MAX_STDERR_LINES:]
        raise CommandFailedError("\n".join([_failure(arguments, status), *lines]))
    return stdout


def _run(
    arguments: Sequence[str],
    stdin: str | Path | None,
    timeout_s: float,
    secrets: Mapping[str, str],
) -> None:
    with _opened(stdin) as source:
        start = partial(_start, arguments, source, None, secrets)
        status, _, _ = _wait(start, stdin if isinstance(stdin, str) else None, timeout_s)
    if status:
        raise CommandFailedError(_failure(arguments, status))


@contextmanager
def _opened(stdin: str | Path | None) -> Iterator[int | IO[str]]:
    """Yield the standard input of a program, as `subprocess` takes it."""
    if isinstance(stdin, Path):
        with (ROOT / stdin).open() as file:
            yield file
    else:
        # Not inherited: a program must not read the answer to a later confirmation.
        yield subprocess.DEVNULL if stdin is None else subprocess.PIPE


def _start(
    arguments: Sequence[str],
    source: int | IO[str],
    output: int | None,
    secrets: Mapping[str, str],
) -> subprocess.Popen[str]:
    try:
        # Its own process group: Ctrl-C reaches only this process, which then signals the program
        # once. After a second signal, terraform exits at once and may leave its work half done.
        return subprocess.Popen(
            arguments,
            cwd=ROOT,
            stdin=source,
            stdout=output,
            stderr=output,
            text=True,
            process_group=0,
            env={**os.environ, **secrets},
        )
    except FileNotFoundError:
        raise CommandFailedError(f"{arguments[0]} is not on the PATH: install it") from None


def _wait(
    start: Callable[[], subprocess.Popen[str]], text: str | None, timeout_s: float
) -> tuple[int, str, str]:
    """Return the exit status and both outputs of a program; stop it on a timeout or interrupt."""
    process = None
    try:
        with interruptions_held():
            process = start()
        stdout, stderr = process.communicate(text, timeout=timeout_s)
    except (KeyboardInterrupt, subprocess.TimeoutExpired) as reason:
        if process is not None:
            _stop(process)
        if isinstance(reason, KeyboardInterrupt):
            raise
        raise CommandFailedError(
            f"timed out after {timeout_s:g} s: {shlex.join(reason.cmd)}"
        ) from None
    return process.returncode, stdout, stderr


def _stop(process: subprocess.Popen[str]) -> None:
    _signal_group(process, signal.SIGINT)
    try:
        process.communicate(timeout=_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        _signal_group(process, signal.SIGKILL)
        process.communicate()


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal to a program and its children; it may have ended already."""
    # The group: terraform runs its providers as child processes.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _failure(arguments: Sequence[str], status: int) -> str:
    return f"failed with status {status}: {shlex.join(arguments)}"
