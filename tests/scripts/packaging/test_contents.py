"""The code in a package, against what is imported: nothing else, and nothing less."""

import pytest

from scripts.local.ports import SERVICES
from scripts.packaging.contents import contents, is_container
from scripts.root import ROOT
from tests.scripts.packaging.imports import imports, reached
from tests.scripts.packaging.sources import OURS, path_of, paths, source_of


@pytest.mark.parametrize("service", SERVICES)
def test_a_package_has_exactly_the_code_that_its_start_imports(service: str) -> None:
    files = contents(service)
    if is_container(service):
        begins, others = {f"functions.{service}.__main__"}, {"Dockerfile", "requirements.txt"}
    else:
        begins = {each.module for each in imports(files["main.py"].decode())}
        others = {"main.py", "requirements.txt"}
    code = {module for start in begins for module in reached(start, source_of)}
    assert files.keys() == {path_of(module) for module in code} | others


@pytest.mark.parametrize("service", SERVICES)
def test_a_package_has_all_code_of_its_service_and_none_of_another(service: str) -> None:
    packaged = {name for name in contents(service) if name.startswith("functions/")}
    assert packaged == paths(f"functions/{service}") | {"functions/__init__.py"}


def test_everything_that_is_shared_is_in_a_package() -> None:
    packaged = {name for service in SERVICES for name in contents(service)}
    assert paths("shared") <= packaged


def test_our_own_modules_are_imported_by_statements_alone() -> None:
    by_name = {
        each.module
        for folder in OURS
        for path in paths(folder)
        for each in imports((ROOT / path).read_text())
        if each.is_by_name
    }
    assert by_name  # or else nobody would notice that none is seen any more
    assert not {name for name in by_name if name.partition(".")[0] in OURS}
