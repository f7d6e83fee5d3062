"""The chat's Dockerfile, as far as it can be looked at without Docker."""

import re

from scripts.packaging.contents import contents
from tests.scripts.packaging.dockerfile import Stage, command_of, stages

FILES = contents("chat")
TEXT = FILES["Dockerfile"].decode()
BUILD, RUN = stages(TEXT)


def copies(stage: Stage) -> list[tuple[str | None, list[str], str]]:
    """Return what a stage copies: from which stage, what, and where to."""
    found = []
    for rest in stage.all("COPY"):
        origin = re.match(r"--from=(\w+) ", rest)
        *sources, target = rest[origin.end() if origin else 0 :].split()
        found.append((origin[1] if origin else None, sources, target))
    return found


def test_it_is_built_in_one_image_and_runs_in_another_of_the_same_python() -> None:
    assert BUILD.name == "build"
    # An address before the name would be somebody's registry.
    assert BUILD.image == RUN.image == "python:3.13-slim"
    assert {origin for origin, _, _ in copies(RUN)} == {"build"}
    assert not RUN.all("RUN")


def test_whatever_it_takes_from_its_context_is_there_and_nothing_is_left() -> None:
    taken = [source for origin, sources, _ in copies(BUILD) for source in sources if not origin]
    for source in taken:
        assert any(f"{name}/".startswith(f"{source}/") for name in FILES), source
    left = {name for name in FILES if not any(f"{name}/".startswith(f"{s}/") for s in taken)}
    assert left == {"Dockerfile"}


def test_what_the_build_makes_is_what_runs() -> None:
    made = {target.split("/")[1] for _, _, target in copies(BUILD) if target.startswith("/")}
    [venv] = re.findall(r"-m venv .*(/\w+)$", "\n".join(BUILD.all("RUN")), re.MULTILINE)
    taken = {source for _, sources, _ in copies(RUN) for source in sources}
    assert taken == {f"/{name}" for name in made} | {venv}
    # A virtual environment knows its place, and must not move.
    assert all(sources == [target] for _, sources, target in copies(RUN))
    [folder] = RUN.all("WORKDIR")
    assert {folder} == taken - {venv}
    [settings] = RUN.all("ENV")
    assert settings.split() == [f"PATH={venv}/bin:$PATH", "PYTHONUNBUFFERED=1"]


def test_nothing_is_installed_whose_hash_is_not_known() -> None:
    installs = [step for step in BUILD.all("RUN") if " install " in step]
    assert len(installs) == 1
    assert {"--require-hashes", "--no-cache-dir", "requirements.txt"} <= set(installs[0].split())


def test_it_runs_as_nobody_in_particular() -> None:
    [user] = RUN.all("USER")
    # Nobody has to look a number up in the image to see that it is not root's.
    assert user.isdigit()
    assert int(user) > 0


def test_the_service_itself_gets_the_signals() -> None:
    assert command_of(TEXT) == ["python", "-m", "functions.chat"]
    assert not RUN.all("ENTRYPOINT")
