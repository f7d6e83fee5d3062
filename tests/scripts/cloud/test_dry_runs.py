"""What `./scripts/deploy --dry-run` shows, whole.

`REWRITE_GOLDEN=1 ./scripts/test tests/scripts/release` writes the files in `golden/` anew.
"""

from pathlib import Path

import pytest

from scripts.packaging.packages import ROOT_VARIABLE
from scripts.release.deploy import BEFORE_ALL, STAGES
from tests.scripts.cloud.deployed import deploy_everything
from tests.scripts.cloud.golden import as_golden
from tests.scripts.conftest import Cloud

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("stage", [*BEFORE_ALL, *STAGES, ""], ids=lambda stage: stage or "all")
def test_a_dry_run_shows_every_call_and_changes_nothing(cloud: Cloud, stage: str) -> None:
    deploy_everything(cloud)
    before = cloud.state["services"]
    done = cloud.run(
        *("deploy", "--environment=prod", "--dry-run", *([stage] if stage else [])),
        environment={ROOT_VARIABLE: ""},  # paths as they are
    )
    assert done.returncode == 0, done.stdout + done.stderr
    as_golden(f"deploy-{stage or 'all'}", done.stdout)
    assert cloud.state["services"] == before
    assert all("list" in call for call in cloud.calls)


def test_the_stages_together_are_a_release(cloud: Cloud) -> None:
    parts = [(GOLDEN / f"deploy-{stage}.txt").read_text().splitlines() for stage in STAGES]
    whole = (GOLDEN / "deploy-all.txt").read_text().splitlines()
    assert whole[1:-1] == [line for part in parts for line in part[1:-1]]


def test_before_the_first_release_a_dry_run_shows_it_all_the_same(cloud: Cloud) -> None:
    done = cloud.run("deploy", "--environment=prod", "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "=100" not in done.stdout  # nothing can be held that does not run
    assert {tuple(call[1:4]) for call in cloud.calls} == {("run", "services", "list")}
    assert not (cloud.root / "build" / "release.json").exists()
