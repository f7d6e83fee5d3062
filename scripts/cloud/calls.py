"""Calls of other programs, gcloud and terraform above all: each is shown before it is made."""

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

_READ_WITHIN_S = 120
_CHANGE_WITHIN_S = 3600
_END_WITHIN_S = 120
_SHOWN_OF_STDERR = 10


class FailedCallError(Exception):
    """A program is missing, took too long or said no; the message has what it said."""


class Calls:
    """Calls programs, in the project's root folder, and shows each call as one can type it.

    In a dry run calls that only read are made, for what is to be changed depends on them; calls
    that change something are only shown.
    """

    def __init__(self, console: Console, *, dry: bool) -> None:
        self.is_dry = dry
        self._console = console

    def read(
        self, *arguments: str, within_s: float = _READ_WITHIN_S, if_dry: str | None = None
    ) -> str:
        """Return what a program that changes nothing prints.

        Args:
            arguments: the program and its arguments.
            within_s: how long it may take.
            if_dry: what a dry run takes for the answer, without a call: it asks after what is not
                there yet, or what nobody needs who only looks.

        Raises:
            FailedCallError: it did not do what it was called for.
        """
        self._console.print(f"[dim]  {escape(shlex.join(arguments))}[/]", markup=True)
        if self.is_dry and if_dry is not None:
            return if_dry
        return _output(arguments, within_s)

    def change(
        self,
        *arguments: str,
        takes: str | Path | None = None,
        within_s: float = _CHANGE_WITHIN_S,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        """Call a program that changes something; what it says goes to the terminal.

        Args:
            arguments: the program and its arguments. Whoever may list processes sees them.
            takes: what it reads from its standard input: a text, which is not shown, or a file.
            within_s: how long it may take.
            secrets: variables of its environment whose values are not shown.

        Raises:
            FailedCallError: it did not do what it was called for.
        """
        hidden = "".join(f"{name}=... " for name in secrets or ())
        source = f" < {shlex.quote(str(takes))}" if isinstance(takes, Path) else ""
        if isinstance(takes, str):
            source = " < (what is not shown)"
        shown = f"{hidden}{shlex.join(arguments)}{source}"
        self._console.print(f"[bold]$ {escape(shown)}[/]", markup=True)
        if not self.is_dry:
            _run(arguments, takes, within_s, secrets or {})


def ending_as_interrupted() -> None:
    """Take the platform's signal to end for Ctrl-C, so that what was begun is put in order."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def _output(arguments: Sequence[str], within_s: float) -> str:
    start = partial(_started, arguments, subprocess.DEVNULL, subprocess.PIPE, {})
    status, said, complaints = _ended(start, None, within_s)
    if status:
        lines = complaints.strip().splitlines()[-_SHOWN_OF_STDERR:]
        raise FailedCallError("\n".join([_failed(arguments, status), *lines]))
    return said


def _run(
    arguments: Sequence[str],
    takes: str | Path | None,
    within_s: float,
    secrets: Mapping[str, str],
) -> None:
    with _source(takes) as source:
        start = partial(_started, arguments, source, None, secrets)
        status, _, _ = _ended(start, takes if isinstance(takes, str) else None, within_s)
    if status:
        raise FailedCallError(_failed(arguments, status))


@contextmanager
def _source(takes: str | Path | None) -> Iterator[int | IO[str]]:
    """Give what a program is to read from."""
    if isinstance(takes, Path):
        with (ROOT / takes).open() as file:
            yield file
    else:
        yield subprocess.DEVNULL if takes is None else subprocess.PIPE


def _started(
    arguments: Sequence[str],
    source: int | IO[str],
    output: int | None,
    secrets: Mapping[str, str],
) -> subprocess.Popen[str]:
    try:
        # A group of its own: Ctrl-C comes to us alone, and we end the program once. Two signals
        # would make terraform leave its work half done.
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
        raise FailedCallError(f"{arguments[0]} is not on the path: install it") from None


def _ended(
    start: Callable[[], subprocess.Popen[str]], given: str | None, within_s: float
) -> tuple[int, str, str]:
    """Return a program's status and what it said; end it if we are not to wait any longer."""
    process = None
    try:
        with interruptions_held():
            process = start()
        said, complaints = process.communicate(given, timeout=within_s)
    except (KeyboardInterrupt, subprocess.TimeoutExpired) as reason:
        if process is not None:
            _end(process)
        if isinstance(reason, KeyboardInterrupt):
            raise
        raise FailedCallError(f"took too long: {shlex.join(reason.cmd)}") from None
    return process.returncode, said, complaints


def _end(process: subprocess.Popen[str]) -> None:
    _tell(process, signal.SIGINT)
    try:
        process.communicate(timeout=_END_WITHIN_S)
    except subprocess.TimeoutExpired:
        _tell(process, signal.SIGKILL)
        process.communicate()


def _tell(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal to a program and to what it has started; it may have ended by itself."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _failed(arguments: Sequence[str], status: int) -> str:
    return f"failed with status {status}: {shlex.join(arguments)}"
