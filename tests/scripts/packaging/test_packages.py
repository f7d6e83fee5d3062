"""The packages in `build/`, and the output of `./scripts/package`."""

import json
import re
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from scripts.packaging.packages import Package, write_packages
from scripts.root import ROOT


def package_list(folder: Path) -> Any:
    return json.loads((folder / "build" / "packages.json").read_text())


def archives(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in (folder / "build" / "packages").iterdir()}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts" / "package", *arguments], capture_output=True, text=True, check=False
    )


def test_packages_are_named_and_listed_by_hash(tmp_path: Path) -> None:
    write_packages([Package("users", 1, b"function"), Package("chat", 1, b"container")], tmp_path)
    function, container = (sha256(each).hexdigest() for each in (b"function", b"container"))
    users = f"build/packages/users-{function[:16]}.zip"
    chat = f"build/packages/chat-{container[:16]}.tar"
    assert package_list(tmp_path) == {
        "users": {"archive": users, "sha256": function},
        "chat": {"archive": chat, "sha256": container},
    }
    assert archives(tmp_path) == {users, chat}
    assert (tmp_path / users).read_bytes() == b"function"


def test_new_package_replaces_only_the_old_one(tmp_path: Path) -> None:
    write_packages([Package("users", 1, b"old"), Package("chat", 1, b"other")], tmp_path)
    before = package_list(tmp_path)
    write_packages([Package("users", 1, b"new")], tmp_path)
    after = package_list(tmp_path)
    assert after["chat"] == before["chat"]
    assert after["users"] != before["users"]
    assert archives(tmp_path) == {each["archive"] for each in after.values()}


def test_command_prints_one_line_for_each_package() -> None:
    finished = run("users", "chat")
    assert finished.returncode == 0, finished.stderr
    lines = finished.stdout.splitlines()
    rows = [re.split(r" {2,}", re.sub(r"^(\w+) ", r"\1  ", line)) for line in lines]
    assert [row[0] for row in rows] == ["users", "chat"]
    for service, files, size, digest, path in rows:
        archive = (ROOT / path).read_bytes()
        assert package_list(ROOT)[service] == {"archive": path, "sha256": digest.split()[1]}
        assert int(files.removesuffix(" files")) > 50
        assert size == f"{len(archive):,} bytes"
        assert digest == f"sha256 {sha256(archive).hexdigest()}"


@pytest.mark.parametrize("name", ["unknown", "", "user"])
def test_unknown_service_is_rejected_in_one_line(name: str) -> None:
    refused = run("users", name)
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1] == (
        f"./scripts/package: error: argument SERVICE: {name!r} is not one of "
        "users, events, social, sharing, ai, chat, cleanup, backup"
    )
