"""The contents of a package: code of the service, its imports from `shared`, its requirements.

The code is analysed, not imported. So packaging needs none of the requirements.
"""

import grimp

from scripts.root import ROOT

# The embedded database is for one machine. Services on Google Cloud use Firestore.
_LEFT_OUT = ("shared.store.engines.open", "shared.store.engines.sqlite.engine")

# The Functions Framework loads `main.py` in the root folder.
_MAIN = b'''"""Entry point of the function `%(service)b` for the Functions Framework."""

from functions.%(service)b.main import main

__all__ = ["main"]
'''


def package_files(service: str) -> dict[str, bytes]:
    """Return the files of a package by name."""
    folder = ROOT / "functions" / service
    modules = _imported_modules(_start_module(service))
    files = {path: (ROOT / path).read_bytes() for path in map(_path, modules)}
    files["requirements.txt"] = (folder / "requirements.txt").read_bytes()
    if is_container(service):
        files["Dockerfile"] = (folder / "Dockerfile").read_bytes()
    else:
        files["main.py"] = _MAIN % {b"service": service.encode()}
    return files


def is_container(service: str) -> bool:
    """Whether a service is deployed as a container instead of a function."""
    # Cloud Functions does not support WebSockets.
    return service == "chat"


def _start_module(service: str) -> str:
    return f"functions.{service}.{'__main__' if is_container(service) else 'main'}"


def _imported_modules(start: str) -> set[str]:
    """Return `start` and all modules of this project that it imports, directly or not.

    Imports inside functions count. Imports for type checking do not, because they never run.
    """
    graph = grimp.build_graph(
        "functions", "shared", cache_dir=None, exclude_type_checking_imports=True
    )
    importer, imported = _LEFT_OUT
    graph.remove_import(importer=importer, imported=imported)
    included: set[str] = set()
    found = {start}
    # A parent package can import modules too, so repeat until nothing is added.
    while found - included:
        included |= found
        for module in included:
            found = found | graph.find_upstream_modules(module) | _parent_packages(module)
    return included


def _parent_packages(module: str) -> set[str]:
    """Return the packages that Python imports before a module."""
    names = module.split(".")
    return {".".join(names[:length]) for length in range(1, len(names))}


def _path(module: str) -> str:
    """Return the file of a module, relative to the root of the project and of a package."""
    path = module.replace(".", "/")
    return f"{path}/__init__.py" if (ROOT / path).is_dir() else f"{path}.py"
