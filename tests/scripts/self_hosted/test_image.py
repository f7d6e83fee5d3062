"""The container image of the self-hosted server, checked without Docker."""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import grimp
import httpx
from rich.console import Console

from scripts.client.journey.journey import Journey
from scripts.local.ports import HOST
from scripts.local.stack import free_ports
from scripts.root import ROOT
from tests.scripts.packaging.distributions import provider_of, with_requirements
from tests.scripts.packaging.imports import Import, find_imports
from tests.scripts.packaging.isolated_package import installed
from tests.scripts.packaging.test_requirements import declared_in
from tests.scripts.self_hosted.image import FOLDER, copied_files, is_in_context, stages
from tests.scripts.self_hosted.installation import run_server

REQUIREMENTS = FOLDER / "requirements.txt"
# Servers: our code does not import them.
_SERVER = {"httptools", "uvloop"}
_OUR_PACKAGES = {"functions", "shared", "scripts"}


def code() -> dict[str, Path]:
    """Return the Python files of the image by module name."""
    names = {
        name.removeprefix("/app/").removesuffix(".py").removesuffix("/__init__"): path
        for name, path in copied_files().items()
        if name.startswith("/app/") and name.endswith(".py")
    }
    return {name.replace("/", "."): path for name, path in names.items()}


def imported_modules() -> set[str]:
    """Return the modules that the server imports at any time, with their packages."""
    graph = grimp.build_graph(*_OUR_PACKAGES, cache_dir=None, exclude_type_checking_imports=True)
    found = {"scripts.self_hosted.__main__"}
    while True:
        more = set().union(*(graph.find_upstream_modules(each) for each in found)) | {
            each.rpartition(".")[0] for each in found if "." in each
        }
        if more <= found:
            return found
        found |= more


def test_image_contains_the_imported_code_and_no_other() -> None:
    assert set(code()) - imported_modules() == {
        "functions.chat.__main__",
        "scripts.self_hosted.health_check",
    }
    assert imported_modules() <= set(code())


def test_context_contains_only_the_copied_files() -> None:
    assert is_in_context(REQUIREMENTS)
    for name in (".env", ".git/config", ".venv/bin/python", "tests/conftest.py", "README.md"):
        assert not is_in_context(ROOT / name), name
    for name in ("functions/chat/__pycache__/main.pyc", "infra/self-hosting/settings.env"):
        assert not is_in_context(ROOT / name), name


def test_requirements_match_imports_and_server() -> None:
    known = {*_OUR_PACKAGES, *sys.stdlib_module_names}
    imports: set[Import] = set().union(
        *(find_imports(path.read_text()) for path in code().values())
    )
    foreign = {each for each in imports if each.module.partition(".")[0] not in known}
    providers = {each: provider_of(each) for each in foreign}
    assert not {each.module for each, distribution in providers.items() if distribution is None}
    assert declared_in("self-hosted") == {*providers.values()} | _SERVER


def test_pinned_packages_are_all_required() -> None:
    pinned = set(re.findall(r"^([A-Za-z0-9_.-]+)==", REQUIREMENTS.read_text(), re.MULTILINE))
    assert declared_in("self-hosted") <= pinned <= with_requirements(declared_in("self-hosted"))


def test_both_stages_have_the_base_image_of_the_chat() -> None:
    build, image = stages()
    chat = (ROOT / "functions" / "chat" / "Dockerfile").read_text()
    assert f"FROM {image.image}\n" in chat
    assert (build.image, build.name) == (image.image, "build")
    [install] = [step for step in build.all("RUN") if " install " in step and "pip" in step]
    assert {"--require-hashes", "--no-cache-dir", "requirements.txt"} <= set(install.split())


def test_container_user_owns_only_the_data_folder() -> None:
    build, image = stages()
    [user] = image.all("USER")
    assert int(user) > 0
    assert image.all("VOLUME") == ["/data"]
    owned = [step.split() for step in image.all("COPY") if "--chown" in step]
    assert owned == [["--from=build", f"--chown={user}:{user}", "/data", "/data"]]
    [create] = [step for step in build.all("RUN") if step.endswith(" /data")]
    assert create.split()[:7] == [
        "install", "--directory", "--owner", user, "--group", user, "--mode",
    ]  # fmt: skip


def test_image_contains_the_result_of_the_build() -> None:
    _, image = stages()
    copied = [step.split()[-2:] for step in image.all("COPY")]
    assert copied == [["/venv", "/venv"], ["/app", "/app"], ["/data", "/data"]]
    assert image.all("WORKDIR") == ["/app"]
    assert image.all("ENV") == ["PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1"]
    assert not image.all("RUN")


async def test_image_serves_and_reports_its_health(tmp_path: Path, http: httpx.AsyncClient) -> None:
    _, image = stages()
    app, port = tmp_path / "app", str(free_ports().base)
    for name, path in copied_files().items():
        target = tmp_path / name.removeprefix("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    # The environment of the image: no variable of this process.
    environment = {
        "PATH": f"{installed(REQUIREMENTS)}{os.pathsep}{os.defpath}",
        "PYTHONUNBUFFERED": "1",
        "CHAT_HOST": HOST,
    }

    def adapted(command: str) -> list[str]:
        changed = {"/data": str(tmp_path / "data"), "8080": port}
        return [changed.get(word, word) for word in json.loads(command)]

    [served], [checked] = image.all("CMD"), image.all("HEALTHCHECK")
    health = adapted(checked.partition(" CMD ")[2])
    check_health = partial(subprocess.run, health, env=environment, cwd=app, check=False)
    assert check_health().returncode == 1
    with run_server(adapted(served), int(port), environment, app) as server:
        assert check_health().returncode == 0
        journey = Journey(server.api(http), None, Console())
        await journey.run()
        assert server.stop() == 0
    assert (tmp_path / "data" / "liftlog.db").exists()


def test_exposed_port_is_the_served_one() -> None:
    _, image = stages()
    [port], [served], [checked] = (image.all(word) for word in ("EXPOSE", "CMD", "HEALTHCHECK"))
    assert json.loads(served)[-2:] == ["--port", port]
    assert json.loads(checked.partition(" CMD ")[2])[-1] == port
