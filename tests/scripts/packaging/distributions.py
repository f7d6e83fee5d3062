"""The distribution on the package index of a module, and the requirements of distributions."""

from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, distributions, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.scripts.packaging.imports import Import

Distribution = tuple[str, frozenset[str]]
"""A name on the package index, and extras."""


def provider_of(imported: Import) -> str | None:
    """Return the installed distribution that contains a module, or None.

    Found by file: several distributions share the packages `google` and `opentelemetry`.
    """
    modules = (imported.submodule, imported.module)
    names = [name.replace(".", "/") for name in modules if name]
    files = (f"{name}{ending}" for name in names for ending in (".py", "/__init__.py"))
    return next((owner for file in files if (owner := _owners().get(file))), None)


def with_requirements(names: Iterable[str]) -> set[str]:
    """Return distributions with all their requirements, for all platforms."""
    found: set[Distribution] = set()
    waiting = [(name, frozenset[str]()) for name in names]
    while waiting:
        distribution = waiting.pop()
        if distribution not in found:
            found.add(distribution)
            waiting += _requirements(*distribution)
    return {name for name, _extras in found}


def _requirements(name: str, extras: frozenset[str]) -> list[Distribution]:
    try:
        requirements = [Requirement(each) for each in requires(name) or ()]
    except PackageNotFoundError:  # for another platform
        return []
    return [
        (canonicalize_name(each.name), frozenset(each.extras))
        for each in requirements
        if not _is_extra(each) or any(_applies(each, extra) for extra in extras)
    ]


def _is_extra(requirement: Requirement) -> bool:
    return requirement.marker is not None and "extra ==" in str(requirement.marker)


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


@cache
def _owners() -> dict[str, str]:
    """Return the name of the distribution of each installed file."""
    return {
        str(file): canonicalize_name(each.metadata["Name"])
        for each in distributions()
        for file in each.files or ()
    }
