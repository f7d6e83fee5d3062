"""Install Java and the emulators into the project."""

import fcntl
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from scripts.local.emulator import PLACES, Emulator, Places
from scripts.local.emulator_downloads import BASE_URL, DOWNLOADS, Download, OnProgress
from scripts.local.java import IN_PACKAGE
from scripts.root import ROOT

_JAVA_REQUIREMENTS = ROOT / "scripts" / "local" / "java-requirements.txt"


class InstallError(Exception):
    """The installation failed. The message names the next step."""


@dataclass(frozen=True)
class Installer:
    """Installs the programs that this machine does not have, at fixed versions.

    Each one gets its name when it is complete. Other programs and parts of downloads in the
    folder are deleted.
    """

    console: Console
    base_url: str = BASE_URL
    places: Places = PLACES
    downloads: Mapping[Emulator, Download] = field(default_factory=lambda: DOWNLOADS)
    java_requirements: Path = _JAVA_REQUIREMENTS

    def install(self) -> None:
        """Install Java and the emulators. Does nothing for a program that is found.

        Raises:
            InstallError: another installation runs, or a program cannot be installed.
            DownloadError: an emulator cannot be downloaded.
            OSError: the folder cannot be written.
        """
        self.places.installed.mkdir(parents=True, exist_ok=True)
        with self._lock():
            jars = [self._install_emulator(each) for each in self.downloads]
            self._install_java(jars)
            pinned = {self._java, *map(self._target, self.downloads)}
            others = set(self.places.installed.iterdir()) - pinned
            # A rename first: no search finds a program that is deleted in part.
            with self._new_folder() as deleted:
                for path in others:
                    path.rename(deleted / path.name)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Hold the folder's lock. The system releases it if the process is killed."""
        folder = os.open(self.places.installed, os.O_RDONLY)
        try:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InstallError(
                    "another ./scripts/emulators install is running; wait for its end"
                ) from None
            yield
        finally:
            os.close(folder)

    def _install_emulator(self, emulator: Emulator) -> Path:
        """Install the emulator, if it is not found; return its file."""
        title, target = f"{emulator.title} emulator", self._target(emulator)
        found = emulator.find(self.places)
        if found is None or self._is_outdated(found, target):
            with self._new_folder() as folder:
                self._fetch(title, self.downloads[emulator], folder)
                jar = next(folder.glob(emulator.in_downloads), None)
                if jar is None:
                    raise InstallError(f"the file {target.name} contains no {title}")
                _publish(folder / target.name, target)
                found = self.places.installed / jar.relative_to(folder)
        self._report(title, found)
        return found

    def _fetch(self, title: str, download: Download, folder: Path) -> None:
        with self._progress(title, download.size_bytes) as on_progress:
            path = download.fetch(self.base_url, folder, on_progress)
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                # Writes below this folder only, also for a name with `..` or with `/` first.
                archive.extractall(path.with_suffix(""))

    def _install_java(self, jars: list[Path]) -> None:
        """Install Java, if none is found that runs these emulators."""
        found, target = self.places.find_java(jars), self._java
        if found is None or self._is_outdated(found, target):
            self.console.print("Java: installing from the package index")
            with self._new_folder() as folder:
                self._install_package(folder / target.name)
                _publish(folder / target.name, target)
            found = target / IN_PACKAGE
        self._report("Java", found)

    def _install_package(self, folder: Path) -> None:
        # --no-cache and --link-mode: nothing outside the project's folder changes.
        command: list[str | Path] = [
            sys.executable, "-m", "uv", "pip", "install", "--no-cache", "--link-mode", "copy",
            "--python", sys.executable, "--target", folder,
            "--require-hashes", "--only-binary", ":all:",
            "--requirement", self.java_requirements,
        ]  # fmt: skip
        status = subprocess.run(command, check=False).returncode
        if status or not (folder / IN_PACKAGE).exists():
            raise InstallError(
                "the package of Java was not installed; see the message above, or install Java "
                "with your package manager"
            )

    @property
    def _java(self) -> Path:
        """The folder of Java. Its name contains the pinned version."""
        pinned = re.search(r"^\w+==(\S+)", self.java_requirements.read_text(), re.MULTILINE)
        if pinned is None:
            raise InstallError(f"{self.java_requirements} pins no version; run './scripts/lock'")
        return self.places.installed / f"java-{pinned[1]}"

    def _target(self, emulator: Emulator) -> Path:
        return self.places.installed / self.downloads[emulator].name.removesuffix(".zip")

    def _is_outdated(self, found: Path, target: Path) -> bool:
        """Return whether a program is in the folder, but in another version than the pinned."""
        return found.is_relative_to(self.places.installed) and not found.is_relative_to(target)

    @contextmanager
    def _new_folder(self) -> Iterator[Path]:
        """Yield a folder for incomplete content, and delete it at the end."""
        with TemporaryDirectory(prefix="new-", dir=self.places.installed) as folder:
            yield Path(folder)

    @contextmanager
    def _progress(self, title: str, size_bytes: int) -> Iterator[OnProgress]:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        with Progress(*columns, TransferSpeedColumn(), console=self.console) as progress:
            bar = progress.add_task(f"{title}: downloading", total=size_bytes)
            yield lambda received: progress.update(bar, completed=received)

    def _report(self, title: str, found: Path) -> None:
        self.console.print(f"{title:<19} {found}")


def _publish(path: Path, target: Path) -> None:
    """Give a complete program its name."""
    # After a power failure, the name must not exist with only a part of the content.
    os.sync()
    if target.exists():  # without the program that it should contain
        target.rename(path.with_name("replaced"))
    path.rename(target)
