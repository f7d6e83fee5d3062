"""Results that are costly to make, and that all processes of a test run share."""

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
    """Make the folder of a test run; processes that this one starts use it, too."""
    os.environ[_FOLDER] = mkdtemp(prefix="liftlog-tests-")


def end() -> None:
    """Remove the folder."""
    shutil.rmtree(os.environ.pop(_FOLDER))


def shared_result(name: str, produce: Callable[[Path], Any]) -> Any:
    """Return what the first of several processes produces; the others wait for it.

    Args:
        name: of the result.
        produce: takes a path that it may use; returns JSON.
    """
    place = Path(os.environ[_FOLDER], name)
    kept = place.with_suffix(".json")
    with _locked(place.with_suffix(".lock")):
        if not kept.exists():
            kept.write_text(json.dumps(produce(place)))
    return json.loads(kept.read_text())


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
