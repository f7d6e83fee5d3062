"""Running other programs."""

import io
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from scripts.cloud import runner as runner_module
from scripts.cloud.runner import CommandFailedError, CommandRunner
from scripts.root import ROOT


def build_runner(*, dry: bool = False) -> tuple[CommandRunner, io.StringIO]:
    """Return a runner, and the output that it prints."""
    shown = io.StringIO()
    return CommandRunner(Console(file=shown, highlight=False, soft_wrap=True), dry=dry), shown


def test_dry_run_executes_reading_command() -> None:
    dry, shown = build_runner(dry=True)
    assert dry.read("echo", "two words") == "two words\n"
    assert shown.getvalue() == "  echo 'two words'\n"


def test_dry_run_returns_assumed_output() -> None:
    dry, shown = build_runner(dry=True)
    assert dry.read("echo", "read", if_dry="assumed") == "assumed"
    assert shown.getvalue() == "  echo read\n"
    wet, _ = build_runner()
    assert wet.read("echo", "read", if_dry="assumed") == "read\n"


def test_changing_command_is_executed(tmp_path: Path) -> None:
    wet, shown = build_runner()
    wet.change("touch", str(tmp_path / "made"))
    assert (tmp_path / "made").exists()
    assert shown.getvalue() == f"$ touch {tmp_path}/made\n"


def test_dry_run_only_prints_changing_command(tmp_path: Path) -> None:
    dry, shown = build_runner(dry=True)
    dry.change("touch", str(tmp_path / "made"))
    assert not (tmp_path / "made").exists()
    assert shown.getvalue() == f"$ touch {tmp_path}/made\n"


def test_arguments_are_printed_literally() -> None:
    dry, shown = build_runner(dry=True)
    dry.change("name", "[red]", "two words")
    dry.read("name", "[red]", if_dry="")
    assert shown.getvalue() == "$ name '[red]' 'two words'\n  name '[red]'\n"


def test_text_on_standard_input_is_not_printed(tmp_path: Path) -> None:
    wet, shown = build_runner()
    wet.change("dd", "status=none", f"of={tmp_path}/copy", stdin="confidential")
    assert (tmp_path / "copy").read_text() == "confidential"
    assert "confidential" not in shown.getvalue()
    assert shown.getvalue().endswith("copy < (hidden)\n")


def test_secrets_extend_the_environment_unprinted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INHERITED", "here")
    wet, shown = build_runner()
    copy = tmp_path / "copy"
    wet.change("sh", "-c", f'echo "$KEY $INHERITED" > {copy}', secrets={"KEY": "confidential"})
    assert copy.read_text() == "confidential here\n"
    assert "confidential" not in shown.getvalue()
    assert shown.getvalue().startswith("$ KEY=... sh -c ")


def test_standard_input_may_be_a_file(tmp_path: Path) -> None:
    wet, shown = build_runner()
    source = tmp_path / "source"
    source.write_text("content")
    wet.change("dd", "status=none", f"of={tmp_path}/copy", stdin=source)
    assert (tmp_path / "copy").read_text() == "content"
    assert shown.getvalue().endswith(f"< {source}\n")


def test_programs_run_in_the_root_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wet, _ = build_runner()
    assert wet.read("pwd") == f"{ROOT}\n"
    wet.change("dd", "status=none", f"of={tmp_path}/copy", stdin=Path("pyproject.toml"))
    assert (tmp_path / "copy").read_text() == (ROOT / "pyproject.toml").read_text()


def test_failed_program_raises_with_its_errors() -> None:
    wet, _ = build_runner()
    with pytest.raises(CommandFailedError, match=r"(?s)failed with status 2: .*No such file"):
        wet.read("ls", "/no/such/place")
    with pytest.raises(CommandFailedError, match="failed with status 1: false"):
        wet.change("false")


def test_only_last_error_lines_are_shown() -> None:
    wet, _ = build_runner()
    many = "for number in $(seq 20); do echo line $number. >&2; done; exit 1"
    with pytest.raises(CommandFailedError) as failed:
        wet.read("sh", "-c", many)
    assert str(failed.value).splitlines()[1:] == [f"line {number}." for number in range(11, 21)]


_RUN_CAT = """
from rich.console import Console
from scripts.cloud.runner import CommandRunner
wet = CommandRunner(Console(), dry=False)
wet.change("cat")
print("and", wet.read("cat"))
"""


def test_programs_do_not_read_our_standard_input() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _RUN_CAT],
        cwd=ROOT, input="an answer", capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    assert done.stdout == "$ cat\n  cat\nand \n"


def test_missing_program_is_named() -> None:
    wet, _ = build_runner()
    with pytest.raises(CommandFailedError, match="no-such-program is not on the PATH"):
        wet.read("no-such-program")


def test_program_is_stopped_on_timeout() -> None:
    wet, _ = build_runner()
    began = time.monotonic()
    with pytest.raises(CommandFailedError, match=r"timed out after 0\.2 s: sleep 600"):
        wet.read("sleep", "600", timeout_s=0.2)
    assert time.monotonic() - began < 600


def test_unstoppable_program_is_killed_with_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "_STOP_TIMEOUT_S", 0.2)
    wet, _ = build_runner()
    began = time.monotonic()
    with pytest.raises(CommandFailedError, match="timed out"):
        wet.read("sh", "-c", "trap '' INT; sleep 600; true", timeout_s=0.2)
    assert time.monotonic() - began < 600


def test_interrupt_at_the_end_of_a_program_is_raised() -> None:
    wet, _ = build_runner()
    with pytest.raises(KeyboardInterrupt):
        wet.change("sh", "-c", "kill -INT $PPID; sleep 0.1")


_RUN_UNTIL_INTERRUPTED = """
import sys
from rich.console import Console
from scripts.cloud.runner import CommandRunner, interrupt_on_sigterm
interrupt_on_sigterm()
try:
    CommandRunner(Console(), dry=False).change("sh", "-c", sys.argv[1])
except KeyboardInterrupt:
    print("cleaned up", flush=True)
"""
# Ends at the first signal, and prints a second one. With short sleeps: a shell that gets a signal
# right before a long sleep finishes the sleep first.
_ENDS_AT_SIGNAL = (
    "trap 'echo first; trap \"echo second\" INT; sleep 0.5; exit' INT;"
    " echo started; while :; do sleep 0.1; done"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=str)
def test_interrupt_signals_the_program_once(number: signal.Signals) -> None:
    command = [sys.executable, "-c", _RUN_UNTIL_INTERRUPTED, _ENDS_AT_SIGNAL]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while process.stdout.readline() not in {"started\n", ""}:
            pass
        process.send_signal(number)
        output, _ = process.communicate(timeout=300)
    assert output == "first\ncleaned up\n"


def test_interrupt_during_a_start_stops_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[str]] = []

    class Interrupted(subprocess.Popen[str]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)
            # The program runs, but the caller has no reference to it yet.
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    wet, _ = build_runner()
    with pytest.raises(KeyboardInterrupt):
        wet.change("sleep", "60")
    assert started[0].poll() == -signal.SIGINT
