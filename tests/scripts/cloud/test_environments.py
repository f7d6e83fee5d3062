"""Environments, read from their files."""

from pathlib import Path

import pytest

from scripts.cloud.environments import Environment, read_environment


def test_environment_has_the_values_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "prod.tfvars").write_text(
        '# comment\nproject = "liftlog-prod"\nregion = "us-central1"\noperators = []\n'
    )
    found = read_environment("prod", tmp_path)
    assert found == Environment("prod", "liftlog-prod", "us-central1")
    assert found.state_bucket == "liftlog-prod-terraform"
    assert found.sources_bucket == "liftlog-prod-sources"


def test_environment_may_limit_its_secrets(tmp_path: Path) -> None:
    (tmp_path / "dev.tfvars").write_text(
        'project = "liftlog-dev"\nregion = "us-central1"\nsecrets = ["WEB_AUTH_KEY"]\n'
    )
    assert read_environment("dev", tmp_path).secrets == frozenset({"WEB_AUTH_KEY"})


def test_environment_may_have_no_secret(tmp_path: Path) -> None:
    (tmp_path / "dev.tfvars").write_text(
        'project = "liftlog-dev"\nregion = "us-central1"\nsecrets = []\n'
    )
    assert read_environment("dev", tmp_path).secrets == frozenset()


@pytest.mark.parametrize("content", ['environment = "prod"', 'project = ""\nregion = ""'])
def test_file_without_project_and_region_is_rejected(tmp_path: Path, content: str) -> None:
    (tmp_path / "prod.tfvars").write_text(f"{content}\n")
    with pytest.raises(ValueError, match=r"prod\.tfvars does not set project and region"):
        read_environment("prod", tmp_path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"prod\.tfvars does not exist"):
        read_environment("prod", tmp_path)
