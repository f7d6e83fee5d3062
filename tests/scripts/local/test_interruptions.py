"""Signals during the start of another program."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.local.interruptions import ENDING, interruptions_held
from scripts.local.processes import Processes


class EndedError(Exception):
    """The signal arrived."""


def interrupt(number: int, _frame: object) -> None:
    raise EndedError(signal.Signals(number).name)


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    before = {number: signal.signal(number, interrupt) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def hold(*numbers: signal.Signals) -> list[signal.Signals]:
    """Send signals inside a block that holds them. Return the signals before its end."""
    passed = []
    with interruptions_held():
        for number in numbers:
            signal.raise_signal(number)
            passed.append(number)
    return passed


@pytest.mark.parametrize("number", ENDING)
def test_signal_waits_for_the_end_of_the_block(number: signal.Signals) -> None:
    arrived: list[int] = []
    signal.signal(number, lambda number, _frame: arrived.append(number))
    assert hold(number) == [number]
    assert arrived == [number]


@pytest.mark.parametrize("number", ENDING)
def test_signals_interrupt_after_the_block(number: signal.Signals) -> None:
    hold()
    with pytest.raises(EndedError, match=number.name):
        signal.raise_signal(number)


def test_two_held_signals_are_both_delivered() -> None:
    arrived: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: arrived.append(number))
    with pytest.raises(EndedError, match="SIGINT"):
        hold(signal.SIGINT, signal.SIGTERM)
    assert arrived == [signal.SIGTERM]


def test_other_signals_interrupt_after_a_held_one() -> None:
    with pytest.raises(EndedError):
        hold(signal.SIGINT)
    for number in ENDING:
        with pytest.raises(EndedError, match=number.name):
            signal.raise_signal(number)


def test_error_in_the_block_is_raised() -> None:
    with pytest.raises(ValueError, match="it"), interruptions_held():
        raise ValueError("it")
    assert signal.getsignal(signal.SIGINT) is interrupt


def test_ignored_signals_stay_ignored_in_children() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with interruptions_held():
        shown = subprocess.check_output(["/bin/grep", "SigIgn", "/proc/self/status"], text=True)
    assert int(shown.split()[1], 16) & 1 << signal.SIGHUP - 1


def test_process_interrupted_at_start_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = subprocess.Popen

    def interrupted(*arguments: object, **options: object) -> object:
        process = start(*arguments, **options)  # type: ignore[call-overload] # any arguments
        (tmp_path / "id").write_text(str(process.pid))
        signal.raise_signal(signal.SIGTERM)
        return process

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    with pytest.raises(EndedError), Processes() as processes:
        processes.start("sleeper", ["sleep", "60"], {})
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "id").read_text()), 0)
