"""Packages of npm for the tests, pinned by a lock file.

`npm install --package-lock-only` in the folder of a lock file renews it; remove the addresses about
funding afterwards.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.root import ROOT

_INSTALL_FILES = ("package.json", "package-lock.json", ".npmrc")
_UNPACK = "unpack.mjs"
_TIMEOUT_S = 300


def install(source: Path, unpack: Mapping[str, str] | None = None) -> Path:
    """Install the packages of a folder with a lock file, unless they are installed.

    With `unpack`, its script `unpack.mjs` runs afterwards, with these variables and TMPDIR.
    Returns the folder that contains `node_modules`, and what the script wrote to TMPDIR.
    """
    files = [source / name for name in (*_INSTALL_FILES, *([_UNPACK] if unpack else []))]
    digest = sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    folder = ROOT / ".dev" / f"{source.name}-{digest}"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        # Two test workers may install at the same time. The rename is atomic: one of them wins.
        with TemporaryDirectory(prefix=f"{source.name}-", dir=folder.parent) as temporary:
            here = Path(temporary, "installed")
            here.mkdir()
            for file in files:
                shutil.copy(file, here)
            _run(here, "npm", "ci")
            if unpack:
                _run(here, "node", _UNPACK, TMPDIR=str(here), **unpack)
            with suppress(OSError):
                here.rename(folder)
    return folder


def _run(folder: Path, *command: str, **variables: str) -> None:
    environment = {**os.environ, **variables}
    subprocess.run(command, cwd=folder, env=environment, check=True, timeout=_TIMEOUT_S)
