"""What `./scripts/deploy --dry-run` shows, whole, and whether gcloud takes the calls that it shows.

`REWRITE_GOLDEN=1 ./scripts/test tests/operations` writes the files in `golden/` anew.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.operations.deploy import BEFORE_ALL, STAGES
from scripts.packaging.packages import ROOT_VARIABLE
from tests.operations.conftest import Cloud
from tests.operations.deployed import deploy_everything
from tests.operations.golden import as_golden

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


@pytest.mark.skipif(
    shutil.which("gcloud") is None and "CI" not in os.environ,  # where it is, it has to run
    reason="there is no gcloud on the PATH",
)
def test_gcloud_takes_every_call_that_is_shown(tmp_path: Path) -> None:
    shown = "\n".join(path.read_text() for path in GOLDEN.glob("*.txt"))
    calls = {
        re.sub(r" < \(.*\)$", "", re.sub(r"<[^<>]*>", "x", call))
        for call in re.findall(r"^[$ ] (gcloud .*)", shown, re.MULTILINE)
    }
    assert len(calls) > 20
    commands = tmp_path / "commands.json"
    commands.write_text(json.dumps([{"command_string": call} for call in sorted(calls)]))
    answer = subprocess.run(
        ["gcloud", "meta", "lint-gcloud-commands", f"--commands-file={commands}"],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    checked = json.loads(answer.stdout)
    assert len(checked) == len(calls)
    assert [each["error_message"] for each in checked if not each["success"]] == []
