"""What belongs into a service's package: its code, what that imports of `shared`, its packages.

The code is read and not run, so that a package can be made without anything that it needs.
"""

import grimp

from scripts.root import ROOT

_MAIN = b'''"""Where the Functions Framework looks for the function `%(service)b`."""

from functions.%(service)b.main import main

__all__ = ["main"]
'''


def contents(service: str) -> dict[str, bytes]:
    """Return the files of a service's package, by their names in it."""
    folder = ROOT / "functions" / service
    files = {path: (ROOT / path).read_bytes() for path in map(_path, _needed(_start(service)))}
    files["requirements.txt"] = (folder / "requirements.txt").read_bytes()
    if is_container(service):
        files["Dockerfile"] = (folder / "Dockerfile").read_bytes()
    else:
        files["main.py"] = _MAIN % {b"service": service.encode()}
    return files


def is_container(service: str) -> bool:
    """Whether it is deployed as a container, and not as the source of a function."""
    return service == "chat"


def _start(service: str) -> str:
    """Return the module that everything begins with."""
    return f"functions.{service}.{'__main__' if is_container(service) else 'main'}"


def _needed(start: str) -> set[str]:
    """Return our modules that `start` imports, itself and theirs included.

    Imports inside functions count. Those for types alone do not, since nothing happens there.
    """
    graph = grimp.build_graph(
        "functions", "shared", cache_dir=None, exclude_type_checking_imports=True
    )
    needed: set[str] = set()
    found = {start}
    while found - needed:
        needed |= found
        for module in needed:
            found = found | graph.find_upstream_modules(module) | _packages_of(module)
    return needed


def _packages_of(module: str) -> set[str]:
    """Return the packages around a module, which Python imports before it."""
    names = module.split(".")
    return {".".join(names[:length]) for length in range(1, len(names))}


def _path(module: str) -> str:
    """Return a module's file, from the root of the project as from that of a package."""
    path = module.replace(".", "/")
    return f"{path}/__init__.py" if (ROOT / path).is_dir() else f"{path}.py"
