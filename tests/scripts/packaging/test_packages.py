"""What lies in `build/` after packaging, and what the command says."""

import json
import re
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from scripts.packaging.packages import Package, write
from scripts.root import ROOT


def listed(folder: Path) -> Any:
    return json.loads((folder / "build" / "packages.json").read_text())


def archives(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in (folder / "build" / "packages").iterdir()}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts" / "package", *arguments], capture_output=True, text=True, check=False
    )


def test_packages_are_named_and_listed_by_the_hash_of_their_bytes(tmp_path: Path) -> None:
    write([Package("users", 1, b"function"), Package("chat", 1, b"container")], tmp_path)
    function, container = (sha256(each).hexdigest() for each in (b"function", b"container"))
    users = f"build/packages/users-{function[:16]}.zip"
    chat = f"build/packages/chat-{container[:16]}.tar"
    assert listed(tmp_path) == {
        "users": {"archive": users, "sha256": function},
        "chat": {"archive": chat, "sha256": container},
    }
    assert archives(tmp_path) == {users, chat}
    assert (tmp_path / users).read_bytes() == b"function"


def test_a_new_package_takes_the_place_of_the_old_one_and_of_no_other(tmp_path: Path) -> None:
    write([Package("users", 1, b"old"), Package("chat", 1, b"other")], tmp_path)
    before = listed(tmp_path)
    write([Package("users", 1, b"new")], tmp_path)
    after = listed(tmp_path)
    assert after["chat"] == before["chat"]
    assert after["users"] != before["users"]
    assert archives(tmp_path) == {each["archive"] for each in after.values()}


def test_the_command_tells_one_line_per_package() -> None:
    finished = run("users", "chat")
    assert finished.returncode == 0, finished.stderr
    lines = finished.stdout.splitlines()
    rows = [re.split(r" {2,}", re.sub(r"^(\w+) ", r"\1  ", line)) for line in lines]
    assert [row[0] for row in rows] == ["users", "chat"]
    for service, files, size, digest, path in rows:
        archive = (ROOT / path).read_bytes()
        assert listed(ROOT)[service] == {"archive": path, "sha256": digest.split()[1]}
        assert int(files.removesuffix(" files")) > 50
        assert size == f"{len(archive):,} bytes"
        assert digest == f"sha256 {sha256(archive).hexdigest()}"


@pytest.mark.parametrize("name", ["nobody", "", "user"])
def test_a_service_that_there_is_not_is_said_so_in_one_line(name: str) -> None:
    refused = run("users", name)
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1] == (
        f"./scripts/package: error: argument SERVICE: there is no {name!r}, "
        "only users, events, social, sharing, ai, chat, cleanup"
    )
