"""Calls of other programs."""

import io
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from scripts.cloud import calls as calls_module
from scripts.cloud.calls import Calls, FailedCallError
from scripts.root import ROOT


def calls(*, dry: bool = False) -> tuple[Calls, io.StringIO]:
    """Return calls, and what they show."""
    shown = io.StringIO()
    return Calls(Console(file=shown, highlight=False, soft_wrap=True), dry=dry), shown


def test_a_reading_call_is_made_also_in_a_dry_run() -> None:
    dry, shown = calls(dry=True)
    assert dry.read("echo", "two words") == "two words\n"
    assert shown.getvalue() == "  echo 'two words'\n"


def test_what_is_not_there_yet_is_not_asked_after_in_a_dry_run() -> None:
    dry, shown = calls(dry=True)
    assert dry.read("echo", "asked", if_dry="assumed") == "assumed"
    assert shown.getvalue() == "  echo asked\n"
    wet, _ = calls()
    assert wet.read("echo", "asked", if_dry="assumed") == "asked\n"


def test_a_changing_call_is_made(tmp_path: Path) -> None:
    wet, shown = calls()
    wet.change("touch", str(tmp_path / "made"))
    assert (tmp_path / "made").exists()
    assert shown.getvalue() == f"$ touch {tmp_path}/made\n"


def test_a_changing_call_is_only_shown_in_a_dry_run(tmp_path: Path) -> None:
    dry, shown = calls(dry=True)
    dry.change("touch", str(tmp_path / "made"))
    assert not (tmp_path / "made").exists()
    assert shown.getvalue() == f"$ touch {tmp_path}/made\n"


def test_arguments_are_shown_as_they_are() -> None:
    dry, shown = calls(dry=True)
    dry.change("name", "[red]", "two words")
    dry.read("name", "[red]", if_dry="")
    assert shown.getvalue() == "$ name '[red]' 'two words'\n  name '[red]'\n"


def test_what_a_program_is_told_in_secret_is_not_shown(tmp_path: Path) -> None:
    wet, shown = calls()
    wet.change("dd", "status=none", f"of={tmp_path}/told", takes="what nobody may see")
    assert (tmp_path / "told").read_text() == "what nobody may see"
    assert "nobody" not in shown.getvalue()
    assert shown.getvalue().endswith("told < (what is not shown)\n")


def test_a_program_may_have_secrets_in_its_environment_besides_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACE", "here")
    wet, shown = calls()
    told = tmp_path / "told"
    wet.change("sh", "-c", f'echo "$KEY $PLACE" > {told}', secrets={"KEY": "what nobody may see"})
    assert told.read_text() == "what nobody may see here\n"
    assert "nobody" not in shown.getvalue()
    assert shown.getvalue().startswith("$ KEY=... sh -c ")


def test_a_program_may_read_a_file(tmp_path: Path) -> None:
    wet, shown = calls()
    source = tmp_path / "source"
    source.write_text("content")
    wet.change("dd", "status=none", f"of={tmp_path}/copy", takes=source)
    assert (tmp_path / "copy").read_text() == "content"
    assert shown.getvalue().endswith(f"< {source}\n")


def test_wherever_we_are_programs_are_called_in_the_root_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wet, _ = calls()
    assert wet.read("pwd") == f"{ROOT}\n"
    wet.change("dd", "status=none", f"of={tmp_path}/copy", takes=Path("pyproject.toml"))
    assert (tmp_path / "copy").read_text() == (ROOT / "pyproject.toml").read_text()


def test_a_program_that_fails_says_why() -> None:
    wet, _ = calls()
    with pytest.raises(FailedCallError, match=r"(?s)failed with status 2: .*No such file"):
        wet.read("ls", "/no/such/place")
    with pytest.raises(FailedCallError, match="failed with status 1: false"):
        wet.change("false")


def test_of_a_program_that_fails_the_last_lines_are_shown() -> None:
    wet, _ = calls()
    many = "for number in $(seq 20); do echo line $number. >&2; done; exit 1"
    with pytest.raises(FailedCallError) as failed:
        wet.read("sh", "-c", many)
    assert str(failed.value).splitlines()[1:] == [f"line {number}." for number in range(11, 21)]


_WHO_READS = """
from rich.console import Console
from scripts.cloud.calls import Calls
wet = Calls(Console(), dry=False)
wet.change("cat")
print("and", wet.read("cat"))
"""


def test_a_program_does_not_read_what_is_typed_for_us() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WHO_READS],
        cwd=ROOT, input="an answer", capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    assert done.stdout == "$ cat\n  cat\nand \n"


def test_a_program_that_is_not_there_is_named() -> None:
    wet, _ = calls()
    with pytest.raises(FailedCallError, match="no-such-program is not on the path"):
        wet.read("no-such-program")


def test_a_program_that_takes_too_long_is_ended() -> None:
    wet, _ = calls()
    began = time.monotonic()
    with pytest.raises(FailedCallError, match="took too long: sleep 600"):
        wet.read("sleep", "600", within_s=0.2)
    assert time.monotonic() - began < 600


def test_a_program_that_does_not_end_when_told_is_killed_with_all_it_has_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calls_module, "_END_WITHIN_S", 0.2)
    wet, _ = calls()
    began = time.monotonic()
    with pytest.raises(FailedCallError, match="took too long"):
        wet.read("sh", "-c", "trap '' INT; sleep 600; true", within_s=0.2)
    assert time.monotonic() - began < 600


def test_who_is_interrupted_when_the_program_just_ends_is_interrupted_all_the_same() -> None:
    wet, _ = calls()
    with pytest.raises(KeyboardInterrupt):
        wet.change("sh", "-c", "kill -INT $PPID; sleep 0.1")


_ENDLESS = """
import sys
from rich.console import Console
from scripts.cloud.calls import Calls, ending_as_interrupted
ending_as_interrupted()
try:
    Calls(Console(), dry=False).change("sh", "-c", sys.argv[1])
except KeyboardInterrupt:
    print("put in order", flush=True)
"""
# Ends at the first signal, and tells whether there was a second. In short sleeps: a shell that is
# told right before it begins a long one sleeps on.
_ENDED_ONCE = (
    "trap 'echo told; trap \"echo twice\" INT; sleep 0.5; exit' INT;"
    " echo begun; while :; do sleep 0.1; done"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "the platform"])
def test_who_is_interrupted_ends_the_program_once_and_waits_for_it(number: signal.Signals) -> None:
    command = [sys.executable, "-c", _ENDLESS, _ENDED_ONCE]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as begun:
        assert begun.stdout is not None
        while begun.stdout.readline() not in {"begun\n", ""}:
            pass
        begun.send_signal(number)
        said, _ = begun.communicate(timeout=300)
    assert said == "told\nput in order\n"


def test_who_is_interrupted_while_a_program_starts_ends_it_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[subprocess.Popen[str]] = []

    class Interrupted(subprocess.Popen[str]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)
            signal.raise_signal(signal.SIGINT)  # it runs, and nobody knows of it yet

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    wet, _ = calls()
    with pytest.raises(KeyboardInterrupt):
        wet.change("sleep", "60")
    assert started[0].poll() == -signal.SIGINT
