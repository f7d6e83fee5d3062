"""Find the emulators on this machine and the commands that start them."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from scripts.local.ports import HOST
from scripts.root import ROOT

_MIN_JAVA_VERSION = 17
SDK_PLACES = (
    "~/google-cloud-sdk",
    "/usr/lib/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "/usr/local/google-cloud-sdk",
    "/snap/google-cloud-cli/current",
    "/opt/homebrew/share/google-cloud-sdk",
    "/usr/local/share/google-cloud-sdk",
)
_LOGS = ROOT / ".dev"


class NotInstalledError(Exception):
    """A program is missing. The message names the command that installs it."""


@dataclass(frozen=True)
class Emulator:
    """An emulator of Google. It is a Java program."""

    title: str
    name: str
    """Its name in the Firebase tools."""

    component: str
    """Its component in the Cloud SDK."""

    in_sdk: str
    in_firebase_cache: str
    program: tuple[str, ...]
    """Its main class, and the arguments of that class."""

    def command(self, port: int, sdk_places: Sequence[str] = SDK_PLACES) -> list[str]:
        """Return the command that runs the emulator in the foreground.

        Searches beside `gcloud`, in `sdk_places` and in the cache of the Firebase tools.

        Raises:
            NotInstalledError: the emulator or Java is missing.
        """
        jar = next(self._jars(sdk_places), None)
        if jar is None:
            raise NotInstalledError(
                f"no {self.title} emulator found; install it with "
                f"'gcloud components install {self.component}', "
                f"'apt-get install google-cloud-cli-{self.name}-emulator' "
                f"or 'npx firebase-tools setup:emulators:{self.name}'"
            )
        return [_java(), "-cp", str(jar), *self.program, f"--host={HOST}", f"--port={port}"]

    def log(self, port: int) -> Path:
        """Return the log file of an emulator that this project starts."""
        _LOGS.mkdir(exist_ok=True)
        return _LOGS / f"{self.name}-{port}.log"

    def _jars(self, sdk_places: Sequence[str]) -> Iterator[Path]:
        """Yield the files of the Cloud SDK, then those of the Firebase tools, newest first."""
        for sdk in _sdk_folders(sdk_places):
            yield from sdk.glob(self.in_sdk)
        cache = Path(os.environ.get("FIREBASE_EMULATORS_PATH", "~/.cache/firebase/emulators"))
        downloaded = cache.expanduser().glob(self.in_firebase_cache)
        yield from sorted(downloaded, key=_version, reverse=True)


FIRESTORE = Emulator(
    title="Firestore",
    name="firestore",
    component="cloud-firestore-emulator",
    in_sdk="platform/cloud-firestore-emulator/cloud-firestore-emulator.jar",
    in_firebase_cache="cloud-firestore-emulator-v*.jar",
    program=("com.google.cloud.datastore.emulator.firestore.CloudFirestore", "start"),
)
PUBSUB = Emulator(
    title="Pub/Sub",
    name="pubsub",
    component="pubsub-emulator",
    in_sdk="platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar",
    in_firebase_cache="pubsub-emulator-*/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar",
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
    """Write and delete a document at the Firestore emulator `host:port`.

    The first commit of a new Java process takes seconds.
    """
    documents = f"projects/{project}/databases/(default)/documents"
    name = f"{documents}/warm_up/1"
    for write in ({"update": {"name": name, "fields": {}}}, {"delete": name}):
        httpx.post(
            f"http://{host}/v1/{documents}:commit", json={"writes": [write]}, timeout=60
        ).raise_for_status()


def _sdk_folders(places: Sequence[str]) -> Iterator[Path]:
    if gcloud := shutil.which("gcloud"):
        # `gcloud` on the PATH is often a link into the SDK.
        yield Path(gcloud).resolve().parent.parent
    for place in places:
        yield Path(place).expanduser()


def _version(jar: Path) -> list[int]:
    # Compare versions as numbers: 1.10 is newer than 1.9.
    return [int(number) for number in re.findall(r"\d+", jar.stem)]


def _java() -> str:
    java = shutil.which("java")
    if java is None:
        raise NotInstalledError(f"no Java found; install version {_MIN_JAVA_VERSION} or newer")
    # Java prints its version to stderr.
    output = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', output)
    if found is None or int(found[1]) < _MIN_JAVA_VERSION:
        raise NotInstalledError(f"{java} is too old; install Java {_MIN_JAVA_VERSION} or newer")
    return java
