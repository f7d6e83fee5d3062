"""What a package asks for of the package index, against what its code imports."""

import re
import sys
import tomllib

import pytest

from scripts.local.ports import SERVICES
from scripts.packaging.contents import contents, is_container
from scripts.root import ROOT
from tests.scripts.packaging.distributions import provider, with_all_below
from tests.scripts.packaging.imports import Import, imports
from tests.scripts.packaging.sources import OURS

# What serves: nobody imports it, or only its framework does.
_SERVER = {
    "httptools",  # reads HTTP
    "uvloop",  # the event loop
}
_PLATFORM = _SERVER | {
    "functions-framework",  # the platform's command
}


def asked_for(group: str) -> set[str]:
    """Return the members of a dependency group, which the project itself asks for."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    names: set[str] = set()
    for entry in groups[group]:
        names |= asked_for(entry["include-group"]) if isinstance(entry, dict) else {entry}
    return names


def imported_by(service: str) -> set[Import]:
    """Return what the code in a package imports of third parties."""
    code = [text.decode() for name, text in contents(service).items() if name.endswith(".py")]
    known = {*OURS, *sys.stdlib_module_names}
    found = {each for text in code for each in imports(text)}
    return {each for each in found if each.module.partition(".")[0] not in known}


@pytest.mark.parametrize("service", SERVICES)
def test_a_package_asks_for_exactly_what_its_code_imports_and_its_server_needs(
    service: str,
) -> None:
    providers = {each: provider(each) for each in imported_by(service)}
    unknown = {each.module for each, distribution in providers.items() if distribution is None}
    assert not unknown
    server = _SERVER if is_container(service) else _PLATFORM
    assert asked_for(service) == {each for each in providers.values() if each} | server


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_is_pinned_that_nobody_asks_for(service: str) -> None:
    text = contents(service)["requirements.txt"].decode()
    pinned = set(re.findall(r"^([A-Za-z0-9_.-]+)==", text, re.MULTILINE))
    assert asked_for(service) <= pinned
    assert pinned <= with_all_below(asked_for(service))
