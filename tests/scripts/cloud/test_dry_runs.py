"""The whole output of `./scripts/deploy --dry-run`.

`REWRITE_GOLDEN=1 pytest tests/scripts/cloud/test_dry_runs.py` rewrites the files in `golden/`.
"""

from pathlib import Path

import pytest

from scripts.packaging.packages import ROOT_VARIABLE
from scripts.release.deploy import SETUP_STAGES, STAGES
from tests.scripts.cloud.golden_files import assert_golden
from tests.scripts.cloud.project_state import FOLLOWS_NEWEST, deploy_all, replace_services, service
from tests.scripts.conftest import FakeCloud

GOLDEN = Path(__file__).parent / "golden"
DRY_RUN = ("deploy", "--environment=prod", "--dry-run")


@pytest.mark.parametrize("stage", [*SETUP_STAGES, *STAGES, ""], ids=lambda stage: stage or "all")
def test_dry_run_shows_all_commands(cloud: FakeCloud, stage: str) -> None:
    deploy_all(cloud)
    before = cloud.state["services"]
    done = cloud.run(
        *(*DRY_RUN, *([stage] if stage else [])),
        environment={ROOT_VARIABLE: ""},  # paths in the repository, the same on all machines
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert_golden(f"deploy-{stage or 'all'}", done.stdout)
    assert cloud.state["services"] == before
    assert all("list" in command for command in cloud.commands)


def test_stages_together_are_a_release() -> None:
    parts = [(GOLDEN / f"deploy-{stage}.txt").read_text().splitlines() for stage in STAGES]
    whole = (GOLDEN / "deploy-all.txt").read_text().splitlines()
    assert whole[1:-1] == [line for part in parts for line in part[1:-1]]


def test_dry_run_shows_pins_without_setting_them(cloud: FakeCloud) -> None:
    deploy_all(cloud)
    replace_services(cloud, users=service("users", traffic=FOLLOWS_NEWEST))
    done = cloud.run(*DRY_RUN, "plan")
    assert "update-traffic users --to-revisions=users-00001=100" in done.stdout
    assert done.stdout.count("update-traffic") == 1
    assert cloud.state["services"]["users"]["traffic"] == FOLLOWS_NEWEST


def test_dry_run_works_before_the_first_release(cloud: FakeCloud) -> None:
    done = cloud.run(*DRY_RUN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "--update-tags" not in done.stdout  # no service has a revision to keep serving
    assert {tuple(command[1:4]) for command in cloud.commands} == {("run", "services", "list")}
    assert not (cloud.root / "build" / "release.json").exists()
