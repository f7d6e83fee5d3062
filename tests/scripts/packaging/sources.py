"""Our code as it lies in the repository, by the names of its modules."""

from scripts.root import ROOT

OURS = ("functions", "shared")


def path_of(module: str) -> str | None:
    """Return the file of one of our modules, or None if it is none."""
    if module.partition(".")[0] not in OURS:
        return None
    path = module.replace(".", "/")
    files = (f"{path}/__init__.py", f"{path}.py")
    return next((file for file in files if (ROOT / file).is_file()), None)


def source_of(module: str) -> str | None:
    """Return the text of one of our modules, or None if it is none."""
    path = path_of(module)
    return None if path is None else (ROOT / path).read_text()


def paths(folder: str) -> set[str]:
    """Return all files of code in a folder."""
    return {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*.py")}
