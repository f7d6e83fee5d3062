"""Expensive results that all processes of a test run share."""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

_FOLDER = "LIFTLOG_TEST_RESULTS"


def begin() -> None:
    """Create the folder of a test run; child processes inherit it."""
    os.environ[_FOLDER] = mkdtemp(prefix="liftlog-tests-")


def end() -> None:
    """Remove the folder."""
    shutil.rmtree(os.environ.pop(_FOLDER))


def folder() -> Path:
    """Return the folder of the test run."""
    return Path(os.environ[_FOLDER])


def shared_result(name: str, produce: Callable[[Path], Any]) -> Any:
    """Return the result of `produce`, which one process calls while the others wait.

    Args:
        name: the name of the result.
        produce: takes a path that it may use; returns JSON.
    """
    path = folder() / name
    file = path.with_suffix(".json")
    with _locked(path.with_suffix(".lock")):
        if not file.exists():
            file.write_text(json.dumps(produce(path)))
    return json.loads(file.read_text())


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
