"""The variables of `infra/` and its modules, and the file of each environment."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.infra.configuration import declared, modules, parsed, text_of
from tests.infra.environments import ENVIRONMENTS, INFRA

# Not an environment's matter: the deployment says which image it has built.
OF_A_DEPLOYMENT = {"chat_image", "packages_file"}
MODULES = modules(INFRA)


def of_environment(name: str) -> dict[str, Any]:
    """Return the values that an environment gives."""
    return parsed(INFRA / f"{name}.tfvars")


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_every_variable_is_described_and_typed(module: Path) -> None:
    for name, body in declared(module, "variable").items():
        assert body.get("description"), name
        assert body.get("type"), name


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_every_variable_is_used_and_every_one_that_is_used_is_there(module: Path) -> None:
    used = set(re.findall(r"\bvar\.(\w+)", text_of(module)))
    assert used == declared(module, "variable").keys()


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_every_local_value_is_used(module: Path) -> None:
    text = text_of(module)
    named = {
        name
        for path in module.glob("*.tf")
        for block in parsed(path).get("locals", [])
        for name in block
    }
    assert set(re.findall(r"\blocal\.(\w+)", text)) == named


@pytest.mark.parametrize("module", MODULES[1:], ids=lambda path: path.name)
def test_every_output_of_a_module_is_used(module: Path) -> None:
    others = "\n".join(text_of(each) for each in MODULES if each != module)
    used = set(re.findall(rf"\bmodule\.{module.name}\w*(?:\[[^\]]+\])?\.(\w+)", others))
    if not used:  # by another name, or one for each
        used = set(re.findall(r"\bmodule\.\w+(?:\[[^\]]+\])?\.(\w+)", others))
    assert declared(module, "output").keys() <= used


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_every_output_is_described(module: Path) -> None:
    for name, body in declared(module, "output").items():
        assert body.get("description"), name


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_gives_what_has_no_default_and_nothing_unknown(environment: str) -> None:
    variables = declared(INFRA, "variable")
    needed = {name for name, body in variables.items() if "default" not in body}
    given = of_environment(environment).keys()
    assert needed - given <= OF_A_DEPLOYMENT
    assert given <= variables.keys() - OF_A_DEPLOYMENT


def test_every_environment_has_a_file_and_no_other_has() -> None:
    assert {path.stem for path in INFRA.glob("*.tfvars")} == set(ENVIRONMENTS)


def test_an_environment_calls_itself_by_the_name_of_its_file() -> None:
    for name in ENVIRONMENTS:
        assert of_environment(name)["environment"] == name


def test_no_two_environments_share_a_project_or_a_domain_or_an_old_service() -> None:
    for name in ("project", "domain", "old_service_host"):
        given = [of_environment(each).get(name) for each in ENVIRONMENTS]
        there = [each for each in given if each]
        assert len(set(there)) == len(there), name


def test_what_differs_between_environments_is_in_their_files_alone() -> None:
    names = re.compile(rf'"({"|".join(ENVIRONMENTS)})"')
    for module in MODULES:
        for path in module.glob("*.tf"):
            for line in path.read_text().splitlines():
                if names.search(line):
                    # The one place that may list them: what the variable may be.
                    assert "contains(" in line, f"{path.name}: {line.strip()}"
