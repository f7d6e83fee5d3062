"""The same source makes the same bytes, whoever packages it, where and when."""

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
_LONG_AGO, _SOON = 1_000_000_000, 2_000_000_000


def copied(folder: Path, *, umask: int, changed_at: int, reverse: bool) -> Path:
    """Copy the source as somebody else would have it, in another order and with other times."""
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


def packaged(root: Path, *, umask: int = 0o022, seed: str = "0") -> dict[str, bytes]:
    """Package everything below `root`; return the archives by their names."""
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
def mine(tmp_path: Path) -> Path:
    return copied(tmp_path / "mine", umask=0o022, changed_at=_LONG_AGO, reverse=False)


def test_the_same_source_makes_the_same_bytes_in_other_hands(mine: Path, tmp_path: Path) -> None:
    # With another umask and other times, files made in another order, and what people leave behind.
    theirs = copied(tmp_path / "theirs", umask=0o077, changed_at=_SOON, reverse=True)
    for leftover in ("functions/users/handlers.py~", "functions/users/.env", "shared/notes.txt"):
        (theirs / leftover).write_text("")
    (theirs / "functions/users/main.py").chmod(0o755)
    first = packaged(mine)
    assert packaged(mine) == first
    assert packaged(theirs, umask=0o077, seed="1") == first


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
def test_a_change_makes_another_package_of_those_services_that_have_it(
    mine: Path, changed: str, services: set[str]
) -> None:
    before = packaged(mine)
    with (mine / changed).open("a") as file:
        file.write("# changed\n")
    names = packaged(mine).keys() - before.keys()
    assert {Path(name).name.partition("-")[0] for name in names} == services
