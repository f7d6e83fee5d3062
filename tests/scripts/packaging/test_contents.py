"""The code in a package, compared with the imports of its service."""

import pytest

from scripts.local.ports import SERVICES
from scripts.packaging.contents import is_container, package_files
from scripts.root import ROOT
from tests.scripts.packaging.imports import EMBEDDED, find_all_imports, find_imports
from tests.scripts.packaging.sources import OUR_PACKAGES, code_files, path_of, source_of


@pytest.mark.parametrize("service", SERVICES)
def test_package_has_exactly_the_imported_code(service: str) -> None:
    files = package_files(service)
    if is_container(service):
        starts, others = {f"functions.{service}.__main__"}, {"Dockerfile", "requirements.txt"}
    else:
        starts = {each.module for each in find_imports(files["main.py"].decode())}
        others = {"main.py", "requirements.txt"}
    code = {module for start in starts for module in find_all_imports(start, source_of)}
    assert files.keys() == {path_of(module) for module in code} | others


@pytest.mark.parametrize("service", SERVICES)
def test_package_has_only_the_code_of_its_service(service: str) -> None:
    packaged = {name for name in package_files(service) if name.startswith("functions/")}
    assert packaged == code_files(f"functions/{service}") | {"functions/__init__.py"}


def test_all_shared_code_is_in_a_package() -> None:
    packaged = {name for service in SERVICES for name in package_files(service)}
    embedded = code_files(EMBEDDED.replace(".", "/"))
    assert embedded
    assert code_files("shared") - embedded == {p for p in packaged if p.startswith("shared/")}


def test_our_modules_are_never_imported_by_name() -> None:
    by_name = {
        each.module
        for folder in OUR_PACKAGES
        for path in code_files(folder)
        for each in find_imports((ROOT / path).read_text())
        if each.is_by_name
    }
    assert by_name  # otherwise the search may be broken
    assert not {name for name in by_name if name.partition(".")[0] in OUR_PACKAGES}
