"""What the commands know of an environment."""

from pathlib import Path

import pytest

from scripts.cloud.environments import Environment, environment


def test_an_environment_is_as_its_file_says(tmp_path: Path) -> None:
    (tmp_path / "prod.tfvars").write_text(
        '# comment\nproject = "liftlog-prod"\nregion = "us-central1"\nheld = []\n'
    )
    found = environment("prod", tmp_path)
    assert found == Environment("prod", "liftlog-prod", "us-central1")
    assert found.state_bucket == "liftlog-prod-terraform"
    assert found.sources_bucket == "liftlog-prod-sources"


def test_an_environment_may_be_without_some_secrets(tmp_path: Path) -> None:
    (tmp_path / "dev.tfvars").write_text(
        'project = "liftlog-dev"\nregion = "us-central1"\nsecrets = ["WEB_AUTH_KEY"]\n'
    )
    assert environment("dev", tmp_path).secrets == frozenset({"WEB_AUTH_KEY"})


def test_an_environment_may_be_without_any_secret(tmp_path: Path) -> None:
    (tmp_path / "dev.tfvars").write_text(
        'project = "liftlog-dev"\nregion = "us-central1"\nsecrets = []\n'
    )
    assert environment("dev", tmp_path).secrets == frozenset()


@pytest.mark.parametrize("said", ['environment = "prod"', 'project = ""\nregion = ""'])
def test_a_file_that_does_not_say_where_is_refused(tmp_path: Path, said: str) -> None:
    (tmp_path / "prod.tfvars").write_text(f"{said}\n")
    with pytest.raises(ValueError, match=r"prod\.tfvars does not say project and region"):
        environment("prod", tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no .*prod\.tfvars"):
        environment("prod", tmp_path)
