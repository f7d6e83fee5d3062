"""Terraform's own judgement of `infra/`."""

from pathlib import Path

import pytest

from tests.infra.environments import INFRA, Environment, workspace
from tests.infra.terraform import RefusedError, Workspace, run


def test_every_file_is_formatted() -> None:
    try:
        run("fmt", "-check", "-recursive", "-diff", within=INFRA)
    except RefusedError as error:
        pytest.fail(str(error))


def test_the_files_fit_the_provider(tmp_path: Path) -> None:
    workspace(tmp_path, "dev").validate()


@pytest.mark.parametrize("version", ["6.50.0", "7.31.9", "8.0.0"])
def test_provider_without_held_traffic_is_rejected(tmp_path: Path, version: str) -> None:
    module = Workspace(tmp_path, INFRA, provider=version)
    with pytest.raises(RefusedError, match="no available releases match"):
        module.initialize()


def test_an_environment_that_is_there_needs_no_change(environment: Environment) -> None:
    assert "No changes." in environment.next_plan


def test_an_environment_can_be_begun_without_the_chats_image(tmp_path: Path) -> None:
    module = workspace(tmp_path, "prod", image="")
    module.plan()
    kinds = {each["type"] for each in module.planned()["resource_changes"]}
    assert "google_cloudfunctions2_function" in kinds
    assert "google_cloud_run_v2_service" not in kinds
