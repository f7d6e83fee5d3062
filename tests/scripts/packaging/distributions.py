"""Which distribution on the package index a module comes from, and what each asks for."""

from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, distributions, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.scripts.packaging.imports import Import


def provider(imported: Import) -> str | None:
    """Return the distribution that has an imported module, or None if none that is installed has.

    Several share the packages `google` and `opentelemetry`: it is files that tell.
    """
    names = [name.replace(".", "/") for name in (imported.maybe, imported.module) if name]
    files = (f"{name}{ending}" for name in names for ending in (".py", "/__init__.py"))
    return next((owner for file in files if (owner := _owners().get(file))), None)


def with_all_below(names: Iterable[str]) -> set[str]:
    """Return distributions with all that they ask for, on whatever platform."""
    found: set[tuple[str, frozenset[str]]] = set()
    waiting = [(name, frozenset[str]()) for name in names]
    while waiting:
        wanted = waiting.pop()
        if wanted not in found:
            found.add(wanted)
            waiting += _asked_for(*wanted)
    return {name for name, _extras in found}


def _asked_for(name: str, extras: frozenset[str]) -> list[tuple[str, frozenset[str]]]:
    try:
        requirements = [Requirement(each) for each in requires(name) or ()]
    except PackageNotFoundError:  # for another platform
        return []
    return [
        (canonicalize_name(each.name), frozenset(each.extras))
        for each in requirements
        if not _is_extra(each) or any(_holds(each, extra) for extra in extras)
    ]


def _is_extra(requirement: Requirement) -> bool:
    return requirement.marker is not None and "extra ==" in str(requirement.marker)


def _holds(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


@cache
def _owners() -> dict[str, str]:
    """Return the name of a distribution for each file that it has installed."""
    return {
        str(file): canonicalize_name(each.metadata["Name"])
        for each in distributions()
        for file in each.files or ()
    }
