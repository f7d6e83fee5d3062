"""A package in its own folder, with an environment that has only its requirements."""

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from scripts.fakes.settings import local_services
from scripts.local.ports import HOST, url
from scripts.local.processes import Processes
from scripts.local.stack import free_ports
from scripts.packaging.contents import is_container
from scripts.packaging.packages import Package
from scripts.root import ROOT
from tests import stack
from tests.scripts.packaging.dockerfile import container_command
from tests.scripts.packaging.imports import find_imports
from tests.shared_results import shared_result

_UV = str(Path(sys.executable).with_name("uv"))
_CACHE = ROOT / ".dev" / "packages"
_IMPORT_ALL = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"


class IsolatedPackage:
    """An unpacked package without access to the repository.

    Args:
        package: is unpacked; its requirements are installed, with hashes.
        folder: an empty folder.
    """

    def __init__(self, package: Package, folder: Path) -> None:
        self._service = package.service
        self._code = folder / "code"
        self._home = folder / "home"
        self._home.mkdir()
        _unpack(package, self._code)
        requirements = self._code / "requirements.txt"
        self._bin = installed(requirements)

    def import_all(self) -> None:
        """Import each module, and each module that it imports at any time, in one process.

        Raises:
            subprocess.CalledProcessError: a module is missing.
        """
        texts = {
            ".".join(path.relative_to(self._code).with_suffix("").parts): path.read_text()
            for path in self._code.rglob("*.py")
            if path.stem != "__main__"  # would start the server
        }
        lazy = {each.module for text in texts.values() for each in find_imports(text)}
        modules = sorted({name.removesuffix(".__init__") for name in texts} | lazy)
        command = ["python", "-c", _IMPORT_ALL, *modules]
        subprocess.run(self._isolated(command, {}), cwd=self._code, check=True)

    @contextmanager
    def serve(self, database: Mapping[str, str]) -> Iterator[str]:
        """Serve as in production during the block; yield the address.

        Args:
            database: the environment variables that name the database.
        """
        port = free_ports().base
        log = stack.log_folder() / f"{self._service}-isolated-{uuid4().hex[:8]}.log"
        with Processes() as processes:
            command = self._isolated(self._command(port), {"PORT": str(port), **database})
            processes.start(self._service, command, {}, log, self._code)
            processes.wait_until_healthy(port, "/health")
            yield url(port)

    def _command(self, port: int) -> list[str]:
        """Return the command that the platform runs."""
        if is_container(self._service):
            return container_command((self._code / "Dockerfile").read_text())
        return ["functions-framework", "--host", HOST, "--port", str(port)]

    def _isolated(self, command: list[str], settings: Mapping[str, str]) -> list[str]:
        """Return a command with only the environment variables of production."""
        environment = {
            "PATH": f"{self._bin}:{os.defpath}",
            "HOME": str(self._home),
            "XDG_RUNTIME_DIR": str(self._home),
            "CHAT_HOST": HOST,
            "FUNCTION_TARGET": "main",
            "FUNCTION_SIGNATURE_TYPE": "http",
            "FUNCTION_USE_ASGI": "true",
            "LOG_EXECUTION_ID": "true",
            "K_SERVICE": self._service,
            "K_REVISION": f"{self._service}-00001-abc",
            **local_services({}, url(stack.current().fakes)),
            **_test_timeouts(),
            **settings,
        }
        return ["env", "-i", *(f"{name}={value}" for name, value in environment.items()), *command]


def installed(requirements: Path) -> Path:
    """Return the programs of an environment with only these requirements, which tests share."""
    content = sha256(requirements.read_bytes()).hexdigest()
    return Path(shared_result(f"venv-{content[:16]}", partial(_install, requirements)))


def _install(requirements: Path, venv: Path) -> str:
    """Create an environment with only the requirements; return the folder of its programs."""
    python = str(venv / "bin" / "python")
    _uv("venv", "--python", sys.executable, str(venv))
    _uv("pip", "install", "--python", python, "--require-hashes", "-r", str(requirements))
    _uv("pip", "check", "--python", python)  # like the build of Cloud Functions
    return str(venv / "bin")


def _uv(*words: str) -> None:
    options = ("--quiet", "--cache-dir", str(_CACHE))
    subprocess.run([_UV, *words, *options], check=True)


def _unpack(package: Package, folder: Path) -> None:
    content = io.BytesIO(package.archive)
    if package.path.endswith(".zip"):
        with zipfile.ZipFile(content) as archive:
            archive.extractall(folder)  # noqa: S202 - an archive of this project
    else:
        with tarfile.open(fileobj=content) as archive:
            # Python 3.11 has filters since 3.11.4.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(folder)  # noqa: S202 - an archive of this project


def _test_timeouts() -> dict[str, str]:
    """Return the longer timeouts for slow machines, as in all processes of the tests."""
    names = ("FIRESTORE_ATTEMPT", "FIRESTORE_LONGEST", "FIRESTORE_RETRY", "PASSWORD_LONGEST")
    return {name: value for name, value in os.environ.items() if name.startswith(names)}
