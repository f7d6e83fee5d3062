"""The code of this project in the repository, by module name."""

from scripts.root import ROOT

OUR_PACKAGES = ("functions", "shared")


def path_of(module: str) -> str | None:
    """Return the file of a module of this project, or None for other modules."""
    if module.partition(".")[0] not in OUR_PACKAGES:
        return None
    path = module.replace(".", "/")
    files = (f"{path}/__init__.py", f"{path}.py")
    return next((file for file in files if (ROOT / file).is_file()), None)


def source_of(module: str) -> str | None:
    """Return the source of a module of this project, or None for other modules."""
    path = path_of(module)
    return None if path is None else (ROOT / path).read_text()


def code_files(folder: str) -> set[str]:
    """Return all Python files in a folder."""
    return {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*.py")}
