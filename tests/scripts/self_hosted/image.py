"""The files of the container image, computed from the Dockerfile without Docker."""

import fnmatch
from pathlib import Path, PurePosixPath

from scripts.root import ROOT
from tests.scripts.packaging.dockerfile import Stage, parse_stages

FOLDER = ROOT / "infra" / "self-hosting"


def stages() -> tuple[Stage, Stage]:
    """Return the build stage and the image."""
    build, image = parse_stages((FOLDER / "Dockerfile").read_text())
    return build, image


def copied_files() -> dict[str, Path]:
    """Return the files that the build copies from the repository, by their absolute names."""
    found: dict[str, Path] = {}
    for arguments in stages()[0].all("COPY"):
        *sources, target = arguments.split()
        for source in sources:
            path = ROOT / source
            if path.is_dir():
                files = {f"{target}/{each.relative_to(path)}": each for each in _below(path)}
            else:
                files = {str(PurePosixPath("/", target) / path.name): path}
            found |= {name: each for name, each in files.items() if is_in_context(each)}
    return found


def is_in_context(path: Path) -> bool:
    """Return whether `.dockerignore` leaves a file in the build context; the last match decides.

    Source: https://docs.docker.com/build/concepts/context/#dockerignore-files
    """
    name = path.relative_to(ROOT)
    names = [str(name), *(str(parent) for parent in name.parents)]
    included = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        if any(_matches(each, pattern) for each in names):
            included = line.startswith("!")
    return included


def _matches(name: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatch.fnmatchcase(PurePosixPath(name).name, pattern.removeprefix("**/"))
    if name.count("/") != pattern.count("/"):  # `*` does not match a slash
        return False
    return name != "." and fnmatch.fnmatchcase(name, pattern)


def _below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
