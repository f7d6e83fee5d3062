"""Variables and outputs of `infra/` and its modules, and the files of the environments."""

import re
from pathlib import Path

import pytest

from tests.infra.configuration import Body, declarations, modules, parse, read_code
from tests.infra.environments import ENVIRONMENTS, INFRA

# Variables that ./scripts/deploy sets; the environment's file must not.
DEPLOYMENT_VARIABLES = {"chat_image", "packages_file"}
MODULES = modules(INFRA)


def values_of(name: str) -> Body:
    """Return the values in an environment's file."""
    return parse(INFRA / f"{name}.tfvars")


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_variables_have_descriptions_and_types(module: Path) -> None:
    for name, body in declarations(module, "variable").items():
        assert body.get("description"), name
        assert body.get("type"), name


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_declared_variables_are_those_in_use(module: Path) -> None:
    used = set(re.findall(r"\bvar\.(\w+)", read_code(module)))
    assert used == declarations(module, "variable").keys()


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_local_values_are_used(module: Path) -> None:
    text = read_code(module)
    declared = {
        name
        for path in module.glob("*.tf")
        for block in parse(path).get("locals", [])
        for name in block
    }
    assert set(re.findall(r"\blocal\.(\w+)", text)) == declared


@pytest.mark.parametrize("module", MODULES[1:], ids=lambda path: path.name)
def test_outputs_of_modules_are_used(module: Path) -> None:
    others = "\n".join(read_code(each) for each in MODULES if each != module)
    used = set(re.findall(rf"\bmodule\.{module.name}\w*(?:\[[^\]]+\])?\.(\w+)", others))
    if not used:  # the module block has another name than the folder
        used = set(re.findall(r"\bmodule\.\w+(?:\[[^\]]+\])?\.(\w+)", others))
    assert declarations(module, "output").keys() <= used


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_outputs_have_descriptions(module: Path) -> None:
    for name, body in declarations(module, "output").items():
        assert body.get("description"), name


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_environment_sets_all_required_variables(environment: str) -> None:
    variables = declarations(INFRA, "variable")
    required = {name for name, body in variables.items() if "default" not in body}
    configured = values_of(environment).keys()
    assert required - configured <= DEPLOYMENT_VARIABLES
    assert configured <= variables.keys() - DEPLOYMENT_VARIABLES


def test_files_match_the_environments() -> None:
    assert {path.stem for path in INFRA.glob("*.tfvars")} == set(ENVIRONMENTS)


def test_environment_name_matches_its_file() -> None:
    for name in ENVIRONMENTS:
        assert values_of(name)["environment"] == name


def test_environments_share_no_project_domain_or_host() -> None:
    for name in ("project", "domain", "old_service_host"):
        values = [value for each in ENVIRONMENTS if (value := values_of(each).get(name))]
        assert len(set(values)) == len(values), name


def test_code_does_not_name_environments() -> None:
    names = re.compile(rf'"({"|".join(ENVIRONMENTS)})"')
    for module in MODULES:
        for path in module.glob("*.tf"):
            for line in path.read_text().splitlines():
                if names.search(line):
                    # Only the validation of the variable may list them.
                    assert "contains(" in line, f"{path.name}: {line.strip()}"
