"""Find the emulators on this machine and the commands that start them."""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from scripts.local.java import find_java
from scripts.local.ports import HOST
from scripts.root import ROOT

_MIN_JAVA_VERSION = 17
# The firebase tools require it for the emulators that `./scripts/emulators` installs.
_MIN_JAVA_VERSION_OF_INSTALLED = 21
_LOGS = ROOT / ".dev"
_NEXT_STEP = "run './scripts/emulators install', or install it with"


class NotInstalledError(Exception):
    """A program is missing. The message names the command that installs it."""


class WarmUpError(Exception):
    """The first commit failed. The message names the emulator's address."""


@dataclass(frozen=True)
class Places:
    """The folders where emulators and Java are found."""

    sdks: Sequence[str] = (
        "~/google-cloud-sdk",
        "/usr/lib/google-cloud-sdk",
        "/opt/google-cloud-sdk",
        "/usr/local/google-cloud-sdk",
        "/snap/google-cloud-cli/current",
        "/opt/homebrew/share/google-cloud-sdk",
        "/usr/local/share/google-cloud-sdk",
    )
    """Usual folders of the Cloud SDK."""

    installed: Path = ROOT / ".dev" / "emulators"
    """The folder of `./scripts/emulators install`."""

    def find_java(self, jars: Sequence[Path]) -> Path | None:
        """Return a Java that runs these emulators."""
        return find_java(max(map(self.min_java_version, jars)), self.installed)

    def min_java_version(self, jar: Path) -> int:
        """Return the version of Java that an emulator needs."""
        is_installed = jar.is_relative_to(self.installed)
        return _MIN_JAVA_VERSION_OF_INSTALLED if is_installed else _MIN_JAVA_VERSION


PLACES = Places()


@dataclass(frozen=True)
class Emulator:
    """An emulator of Google. It is a Java program."""

    title: str
    name: str
    """Its name in the Firebase tools."""

    component: str
    """Its component in the Cloud SDK."""

    in_sdk: str
    in_downloads: str
    """Its place in the cache of the Firebase tools, and in the folder of this project."""

    program: tuple[str, ...]
    """Its main class, and the arguments of that class."""

    def command(self, port: int, places: Places = PLACES) -> list[str]:
        """Return the command that runs the emulator in the foreground.

        Raises:
            NotInstalledError: the emulator or Java is missing.
        """
        jar = self.find(places)
        if jar is None:
            raise NotInstalledError(
                f"no {self.title} emulator found; {_NEXT_STEP} "
                f"'gcloud components install {self.component}', "
                f"'apt-get install google-cloud-cli-{self.name}-emulator' "
                f"or 'npx firebase-tools setup:emulators:{self.name}'"
            )
        java = places.find_java([jar])
        if java is None:
            raise NotInstalledError(
                f"no Java {places.min_java_version(jar)} or newer found; {_NEXT_STEP} "
                "your package manager"
            )
        return [str(java), "-cp", str(jar), *self.program, f"--host={HOST}", f"--port={port}"]

    def find(self, places: Places = PLACES) -> Path | None:
        """Return the emulator's file.

        Searches the Cloud SDK, then the cache of the Firebase tools, then the folder of
        `./scripts/emulators install`.
        """
        return next(self._jars(places), None)

    def log(self, port: int) -> Path:
        """Return the log file of an emulator that this project starts."""
        _LOGS.mkdir(exist_ok=True)
        return _LOGS / f"{self.name}-{port}.log"

    def _jars(self, places: Places) -> Iterator[Path]:
        for sdk in _sdk_folders(places.sdks):
            yield from sdk.glob(self.in_sdk)
        cache = Path(os.environ.get("FIREBASE_EMULATORS_PATH", "~/.cache/firebase/emulators"))
        for folder in (cache.expanduser(), places.installed):
            yield from sorted(folder.glob(self.in_downloads), key=_version, reverse=True)


FIRESTORE = Emulator(
    title="Firestore",
    name="firestore",
    component="cloud-firestore-emulator",
    in_sdk="platform/cloud-firestore-emulator/cloud-firestore-emulator.jar",
    in_downloads="cloud-firestore-emulator-v*.jar",
    program=("com.google.cloud.datastore.emulator.firestore.CloudFirestore", "start"),
)
PUBSUB = Emulator(
    title="Pub/Sub",
    name="pubsub",
    component="pubsub-emulator",
    in_sdk="platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar",
    in_downloads="pubsub-emulator-*/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar",
    program=("com.google.cloud.pubsub.testing.v1.Main",),
)


def answers(host: str) -> bool:
    """Return whether an emulator responds at `host:port`."""
    try:
        httpx.get(f"http://{host}/", timeout=30)
    except (httpx.TransportError, httpx.InvalidURL):
        return False
    return True


def warm_up(host: str, project: str) -> None:
    """Write and delete a document, because the first commit of a new Java process takes seconds.

    Args:
        host: `host:port` of a Firestore emulator.
        project: the Google Cloud project of the document.

    Raises:
        WarmUpError: the emulator did not accept a commit.
    """
    documents = f"projects/{project}/databases/(default)/documents"
    name = f"{documents}/warm_up/1"
    for write in ({"update": {"name": name, "fields": {}}}, {"delete": name}):
        try:
            httpx.post(
                f"http://{host}/v1/{documents}:commit", json={"writes": [write]}, timeout=60
            ).raise_for_status()
        except httpx.HTTPError as error:
            reason = str(error).partition("\n")[0]
            raise WarmUpError(
                f"the server at {host} failed a commit: {reason}; "
                "check that it is a Firestore emulator, or restart it"
            ) from error


def _sdk_folders(places: Sequence[str]) -> Iterator[Path]:
    if gcloud := shutil.which("gcloud"):
        # `gcloud` on the PATH is often a link into the SDK.
        yield Path(gcloud).resolve().parent.parent
    for place in places:
        yield Path(place).expanduser()


def _version(jar: Path) -> list[int]:
    # Compare versions as numbers: 1.10 is newer than 1.9.
    return [int(number) for number in re.findall(r"\d+", jar.stem)]
