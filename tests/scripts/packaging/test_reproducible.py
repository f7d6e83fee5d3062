"""The same source gives the same bytes, on any machine and at any time."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.local.ports import SERVICES
from scripts.root import ROOT

_CODE = ("functions", "shared", "scripts")
_PAST, _FUTURE = 1_000_000_000, 2_000_000_000


def copy_source(folder: Path, *, umask: int, changed_at: int, reverse: bool) -> Path:
    """Copy the source with another umask, other times, and in another order."""
    before = os.umask(umask)
    try:
        files = sorted(path for name in _CODE for path in (ROOT / name).rglob("*.*"))
        for path in sorted(files, reverse=reverse):
            if path.is_file() and path.suffix != ".pyc":
                copy = folder / path.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
                os.utime(copy, (changed_at, changed_at))
        shutil.copyfile(ROOT / "functions/chat/Dockerfile", folder / "functions/chat/Dockerfile")
    finally:
        os.umask(before)
    return folder


def build_packages(root: Path, *, umask: int = 0o022, seed: str = "0") -> dict[str, bytes]:
    """Package all services below `root`; return the archives by name."""
    subprocess.run(
        [sys.executable, "-m", "scripts.packaging"],
        cwd=root,
        env={"PYTHONHASHSEED": seed},
        umask=umask,
        check=True,
        capture_output=True,
    )
    listed = json.loads((root / "build" / "packages.json").read_text())
    assert listed.keys() == set(SERVICES)
    return {each["archive"]: (root / each["archive"]).read_bytes() for each in listed.values()}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the source."""
    return copy_source(tmp_path / "source", umask=0o022, changed_at=_PAST, reverse=False)


def test_same_source_gives_the_same_bytes(source: Path, tmp_path: Path) -> None:
    # With another umask and other times, files created in another order, and leftover files.
    other = copy_source(tmp_path / "other", umask=0o077, changed_at=_FUTURE, reverse=True)
    for leftover in ("functions/users/handlers.py~", "functions/users/.env", "shared/notes.txt"):
        (other / leftover).write_text("")
    (other / "functions/users/main.py").chmod(0o755)
    first = build_packages(source)
    assert build_packages(source) == first
    assert build_packages(other, umask=0o077, seed="1") == first


@pytest.mark.parametrize(
    ("changed", "services"),
    [
        ("shared/planner/prompts.py", {"ai", "chat"}),
        ("shared/store/feed.py", {"events"}),
        ("shared/settings.py", set(SERVICES)),
        ("functions/chat/Dockerfile", {"chat"}),
        ("functions/users/requirements.txt", {"users"}),
        ("functions/cleanup/sweep.py", {"cleanup"}),
        ("scripts/local/ports.py", set()),
    ],
)
def test_change_affects_only_services_that_contain_it(
    source: Path, changed: str, services: set[str]
) -> None:
    before = build_packages(source)
    with (source / changed).open("a") as file:
        file.write("# changed\n")
    names = build_packages(source).keys() - before.keys()
    assert {Path(name).name.partition("-")[0] for name in names} == services
