"""Terraform's own checks of `infra/`."""

from pathlib import Path

import pytest

from tests.infra.environments import INFRA, Environment, workspace
from tests.infra.terraform import TerraformError, Workspace, run

pytestmark = pytest.mark.terraform


def test_files_are_formatted() -> None:
    try:
        run("fmt", "-check", "-recursive", "-diff", within=INFRA)
    except TerraformError as error:
        pytest.fail(str(error))


def test_files_are_valid_for_the_provider(tmp_path: Path) -> None:
    workspace(tmp_path, "dev").validate()


@pytest.mark.parametrize("version", ["6.50.0", "7.31.9", "8.0.0"])
def test_unsupported_provider_release_is_rejected(tmp_path: Path, version: str) -> None:
    module = Workspace(tmp_path, INFRA, provider=version)
    with pytest.raises(TerraformError, match="no available releases match"):
        module.initialize()


def test_plan_after_an_apply_has_no_changes(environment: Environment) -> None:
    assert "No changes." in environment.next_plan


def test_plan_without_an_image_omits_the_chat(tmp_path: Path) -> None:
    module = workspace(tmp_path, "prod", image="")
    module.plan()
    types = {each["type"] for each in module.planned()["resource_changes"]}
    assert "google_cloudfunctions2_function" in types
    assert "google_cloud_run_v2_service" not in types
