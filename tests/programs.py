"""Programs that some tests need. Without a program, its tests are deselected.

A line at the end of the run counts these tests and names the command that installs the program.
With `CI=true`, a missing program is an error at the start.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest

from scripts.local.emulator import FIRESTORE, PUBSUB, NotInstalledError
from tests.functions.chat.browser import check_available

_MISSING = "LIFTLOG_TEST_MISSING_PROGRAMS"


@dataclass(frozen=True)
class Program:
    """A program that the tests with a mark need."""

    mark: str
    title: str
    find: Callable[[], object]
    """Raises NotInstalledError if the program is missing."""

    next_step: str
    """The command or the program that installs it."""

    compared: str
    """The subjects of its tests."""


def _on_path(*names: str) -> Callable[[], None]:
    def find() -> None:
        for name in names:
            if shutil.which(name) is None:
                raise NotInstalledError(f"{name} is missing")

    return find


def _find_emulators() -> None:
    for emulator in (FIRESTORE, PUBSUB):
        emulator.command(port=1)


PROGRAMS = (
    Program(
        "firestore",
        "Google's emulators",
        _find_emulators,
        "run ./scripts/emulators install",
        "both database engines, concurrent clients, outages, a journey",
    ),
    Program(
        "terraform",
        "Terraform",
        _on_path("terraform"),
        "install terraform 1.11 or newer",
        "the plans of infra/",
    ),
    Program(
        "node",
        "Node",
        _on_path("node", "npm"),
        "install Node 20.11 or newer, with npm",
        "the official SignalR client",
    ),
    Program(
        "chromium",
        "Chromium",
        check_available,
        "install Chromium, and Node 20.11 or newer with npm",
        "the official SignalR client in a browser, CORS",
    ),
    Program(
        "gcloud",
        "gcloud",
        _on_path("gcloud"),
        "install the Google Cloud CLI",
        "the command lines of scripts and docs",
    ),
)

_counts = pytest.StashKey[dict[str, int]]()
"""The number of tests by mark, also of deselected ones."""


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks. The main process searches the programs."""
    config.stash[_counts] = {}
    for program in PROGRAMS:
        config.addinivalue_line("markers", f"{program.mark}: needs {program.title}")
    if not hasattr(config, "workerinput"):
        os.environ[_MISSING] = ",".join(each.mark for each in _missing())


def _missing() -> Iterable[Program]:
    for program in PROGRAMS:
        try:
            program.find()
        except NotInstalledError:
            if os.environ.get("CI") == "true":
                raise pytest.UsageError(
                    f"{program.title} is missing, and CI=true requires it: {program.next_step}"
                ) from None
            yield program


def is_missing(mark: str) -> bool:
    """Return whether the program of a mark is missing."""
    return mark in os.environ[_MISSING].split(",")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests whose program is missing."""
    marked = {item: [p.mark for p in PROGRAMS if item.get_closest_marker(p.mark)] for item in items}
    config.stash[_counts] = {**Counter(mark for marks in marked.values() for mark in marks)}
    deselected = [item for item in items if any(map(is_missing, marked[item]))]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in set(deselected)]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Report the counts of a worker of pytest-xdist. All workers have the same ones."""
    if hasattr(session.config, "workeroutput"):
        counts: dict[str, int] = session.config.stash[_counts]
        session.config.workeroutput["programs"] = counts


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Take the counts of a worker."""
    config: pytest.Config = getattr(node, "config")  # noqa: B009 - pytest-xdist has no types
    counts: dict[str, int] = getattr(node, "workeroutput", {}).get("programs", {})
    config.stash[_counts] = counts


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show which programs the tests used, and which ones they lacked."""
    counts = terminalreporter.config.stash[_counts]
    for program in PROGRAMS:
        if count := counts.get(program.mark):
            terminalreporter.write_line(_summary(program, count))


def _summary(program: Program, count: int) -> str:
    if is_missing(program.mark):
        return (
            f"Not compared with {program.title}, in {count} tests: {program.compared}. "
            f"To compare: {program.next_step}"
        )
    return f"Compared with {program.title}, in {count} tests: {program.compared}"
