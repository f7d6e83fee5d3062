"""Signals that end a program, while it starts another one."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.local.interruptions import ENDING, interruptions_held
from scripts.local.processes import Processes


class EndedError(Exception):
    """Says which signal came."""


def interrupt(number: int, _frame: object) -> None:
    raise EndedError(signal.Signals(number).name)


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    before = {number: signal.signal(number, interrupt) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def hold(*numbers: signal.Signals) -> list[signal.Signals]:
    """Send signals to a block that holds them; return those that it got past."""
    passed = []
    with interruptions_held():
        for number in numbers:
            signal.raise_signal(number)
            passed.append(number)
    return passed


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_waits_for_the_end_of_the_block(number: signal.Signals) -> None:
    arrived: list[int] = []
    signal.signal(number, lambda number, _frame: arrived.append(number))
    assert hold(number) == [number]
    assert arrived == [number]


@pytest.mark.parametrize("number", ENDING)
def test_after_the_block_signals_interrupt_as_before(number: signal.Signals) -> None:
    hold()
    with pytest.raises(EndedError, match=number.name):
        signal.raise_signal(number)


def test_of_two_signals_none_is_lost() -> None:
    arrived: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: arrived.append(number))
    with pytest.raises(EndedError, match="SIGINT"):
        hold(signal.SIGINT, signal.SIGTERM)
    assert arrived == [signal.SIGTERM]


def test_after_a_signal_the_others_interrupt_as_before() -> None:
    with pytest.raises(EndedError):
        hold(signal.SIGINT)
    for number in ENDING:
        with pytest.raises(EndedError, match=number.name):
            signal.raise_signal(number)


def test_a_failure_in_the_block_is_not_lost() -> None:
    with pytest.raises(ValueError, match="it"), interruptions_held():
        raise ValueError("it")
    assert signal.getsignal(signal.SIGINT) is interrupt


def test_what_is_ignored_stays_so_for_what_is_started() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with interruptions_held():
        shown = subprocess.check_output(["/bin/grep", "SigIgn", "/proc/self/status"], text=True)
    assert int(shown.split()[1], 16) & 1 << signal.SIGHUP - 1


def test_a_program_of_the_stack_that_was_just_starting_ends_with_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = subprocess.Popen

    def interrupted(*arguments: object, **options: object) -> object:
        process = start(*arguments, **options)  # type: ignore[call-overload]
        (tmp_path / "id").write_text(str(process.pid))
        signal.raise_signal(signal.SIGTERM)
        return process

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    with pytest.raises(EndedError), Processes() as processes:
        processes.start("sleeper", ["sleep", "60"], {})
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "id").read_text()), 0)
