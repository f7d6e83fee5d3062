"""The requirements of a package, compared with the imports of its code."""

import re
import sys
import tomllib

import pytest

from scripts.local.ports import SERVICES
from scripts.packaging.contents import is_container, package_files
from scripts.root import ROOT
from tests.scripts.packaging.distributions import provider_of, with_requirements
from tests.scripts.packaging.imports import Import, find_imports
from tests.scripts.packaging.sources import OUR_PACKAGES

# Servers: our code does not import them.
_SERVER = {
    "httptools",  # reads HTTP
    "uvloop",  # the event loop
}
_PLATFORM = _SERVER | {
    "functions-framework",  # the command of Cloud Functions
}


def declared_in(group: str) -> set[str]:
    """Return the members of a dependency group of the project."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    names: set[str] = set()
    for entry in groups[group]:
        names |= declared_in(entry["include-group"]) if isinstance(entry, dict) else {entry}
    return names


def imported_by(service: str) -> set[Import]:
    """Return the third-party imports of the code in a package."""
    code = [text.decode() for name, text in package_files(service).items() if name.endswith(".py")]
    known = {*OUR_PACKAGES, *sys.stdlib_module_names}
    found = {each for text in code for each in find_imports(text)}
    return {each for each in found if each.module.partition(".")[0] not in known}


@pytest.mark.parametrize("service", SERVICES)
def test_requirements_match_imports_and_server(service: str) -> None:
    providers = {each: provider_of(each) for each in imported_by(service)}
    unknown = {each.module for each, distribution in providers.items() if distribution is None}
    assert not unknown
    server = _SERVER if is_container(service) else _PLATFORM
    assert declared_in(service) == {each for each in providers.values() if each} | server


@pytest.mark.parametrize("service", SERVICES)
def test_pinned_packages_are_all_required(service: str) -> None:
    text = package_files(service)["requirements.txt"].decode()
    pinned = set(re.findall(r"^([A-Za-z0-9_.-]+)==", text, re.MULTILINE))
    assert declared_in(service) <= pinned
    assert pinned <= with_requirements(declared_in(service))
