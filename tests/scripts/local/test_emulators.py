"""`./scripts/emulators`: the search on this machine, and interrupted installations."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.local import emulators
from scripts.local.emulator import FIRESTORE, PUBSUB, Places
from scripts.local.emulator_downloads import DOWNLOADS
from scripts.local.ports import url
from scripts.local.stack import free_ports
from scripts.root import ROOT
from tests import in_process
from tests.loopback import served
from tests.scripts.local.machine import file, java
from tests.scripts.local.mirror import Mirror

_RUN_IN_FOLDER = """
import sys
from pathlib import Path
from scripts.local import emulators
from scripts.local.emulator import Places
emulators.PLACES = Places(sdks=[], installed=Path(sys.argv.pop(1)))
sys.exit(emulators.main())
"""


@pytest.fixture
def places(bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """The places of the command, on a machine without programs."""
    places = Places(sdks=["~/sdk"], installed=tmp_path / "installed")
    monkeypatch.setattr(emulators, "PLACES", places)
    return places


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("arguments", [(), ("status",)], ids=["default", "status"])
def test_status_names_missing_programs(arguments: tuple[str, ...]) -> None:
    shown = in_process.run(emulators.main, *arguments)
    assert shown.returncode == 1
    assert [re.split("  +", line) for line in shown.stdout.splitlines()] == [
        ["Firestore emulator", "not found"],
        ["Pub/Sub emulator", "not found"],
        ["Java", "not found"],
        ["next step", "./scripts/emulators install"],
    ]


@pytest.mark.usefixtures("places")
def test_status_shows_found_programs(bare_machine: Path, tmp_path: Path) -> None:
    found = [file(tmp_path / "sdk" / each.in_sdk.replace("*", "1")) for each in (FIRESTORE, PUBSUB)]
    found.append(java(bare_machine / "java"))
    shown = in_process.run(emulators.main)
    assert shown.returncode == 0
    assert [line.split()[-1] for line in shown.stdout.splitlines()] == list(map(str, found))


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("from_", ["ftp://host", "host/folder", "http://", "http://host:x", ""])
def test_invalid_urls_are_rejected(from_: str) -> None:
    refused = in_process.run(emulators.main, "install", "--from", from_)
    assert refused.returncode == 2
    assert "--from: not an http or https URL" in refused.stderr


def test_install_without_a_server_is_reported(places: Places) -> None:
    refused = in_process.run(emulators.main, "install", "--from", url(free_ports().base))
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert line.startswith("emulators: cannot download cloud-firestore-emulator-v")
    assert list(places.installed.iterdir()) == []


def test_install_into_a_file_is_reported(places: Places) -> None:
    file(places.installed)
    refused = in_process.run(emulators.main, "install", "--from", url(free_ports().base))
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert line == f"emulators: cannot write {places.installed}: File exists"


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)],
    ids=["ctrl-c", "sigterm", "sigkill"],
)
def test_interrupted_download_is_not_used(
    places: Places, number: signal.Signals, status: int
) -> None:
    name = DOWNLOADS[FIRESTORE].name
    mirror = Mirror({name: bytes(2_000_000)}, stops_after=1_000_000)
    with served(mirror) as mirror_url:
        command = [sys.executable, "-c", _RUN_IN_FOLDER, str(places.installed)]
        installing = subprocess.Popen(
            [*command, "install", "--from", mirror_url],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert mirror.has_stopped.wait(timeout=300)
        installing.send_signal(number)
        _, errors = installing.communicate(timeout=300)
    assert installing.returncode == status
    assert FIRESTORE.find(places) is None
    if number is not signal.SIGKILL:
        assert list(places.installed.iterdir()) == []
        assert errors == "emulators: interrupted; nothing incomplete is left\n"
