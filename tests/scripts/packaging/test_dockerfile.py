"""The Dockerfile of the chat, checked without Docker."""

import re

from scripts.packaging.contents import package_files
from tests.scripts.packaging.dockerfile import Stage, container_command, parse_stages

FILES = package_files("chat")
TEXT = FILES["Dockerfile"].decode()
BUILD, RUN = parse_stages(TEXT)


def copies(stage: Stage) -> list[tuple[str | None, list[str], str]]:
    """Return origin, sources and target of each COPY of a stage."""
    found = []
    for arguments in stage.all("COPY"):
        origin = re.match(r"--from=(\w+) ", arguments)
        *sources, target = arguments[origin.end() if origin else 0 :].split()
        found.append((origin[1] if origin else None, sources, target))
    return found


def test_both_stages_have_the_same_python() -> None:
    assert BUILD.name == "build"
    # No host name, which would select another registry.
    assert BUILD.image == RUN.image == "python:3.13-slim"
    assert {origin for origin, _, _ in copies(RUN)} == {"build"}
    assert not RUN.all("RUN")


def test_build_copies_all_files_of_the_package() -> None:
    copied = [source for origin, sources, _ in copies(BUILD) for source in sources if not origin]
    for source in copied:
        assert any(f"{name}/".startswith(f"{source}/") for name in FILES), source
    left = {name for name in FILES if not any(f"{name}/".startswith(f"{s}/") for s in copied)}
    assert left == {"Dockerfile"}


def test_image_contains_the_result_of_the_build() -> None:
    built = {target.split("/")[1] for _, _, target in copies(BUILD) if target.startswith("/")}
    [venv] = re.findall(r"-m venv .*(/\w+)$", "\n".join(BUILD.all("RUN")), re.MULTILINE)
    copied = {source for _, sources, _ in copies(RUN) for source in sources}
    assert copied == {f"/{name}" for name in built} | {venv}
    # A virtual environment contains its path, so it must not move.
    assert all(sources == [target] for _, sources, target in copies(RUN))
    [folder] = RUN.all("WORKDIR")
    assert {folder} == copied - {venv}
    [settings] = RUN.all("ENV")
    assert settings.split() == [f"PATH={venv}/bin:$PATH", "PYTHONUNBUFFERED=1"]


def test_requirements_are_installed_with_hashes() -> None:
    installs = [step for step in BUILD.all("RUN") if " install " in step]
    assert len(installs) == 1
    assert {"--require-hashes", "--no-cache-dir", "requirements.txt"} <= set(installs[0].split())


def test_container_does_not_run_as_root() -> None:
    [user] = RUN.all("USER")
    # A number shows this without a lookup in the image.
    assert user.isdigit()
    assert int(user) > 0


def test_service_receives_signals_directly() -> None:
    assert container_command(TEXT) == ["python", "-m", "functions.chat"]
    assert not RUN.all("ENTRYPOINT")
