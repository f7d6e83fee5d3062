"""What `./scripts/deploy apply` says and leaves when somebody ends it in the middle."""

import signal
import subprocess

import pytest

from scripts.release.release import Release
from scripts.root import ROOT
from tests.scripts.cloud.deployed import IMAGE, deploy_everything, release, serving
from tests.scripts.cloud.programs.terraform import planned
from tests.scripts.conftest import Cloud

DEPLOY = ("deploy", "--environment=prod")
PATIENCE_S = 300


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "the platform"])
def test_whoever_ends_terraform_is_told_where_it_is(cloud: Cloud, number: signal.Signals) -> None:
    deploy_everything(cloud, planned=[planned("users", "update")], never_ends=True)
    Release("prod", IMAGE).save(cloud.root)
    assert cloud.run(*DEPLOY, "plan").returncode == 0
    with subprocess.Popen(
        [ROOT / "scripts" / "deploy", *DEPLOY[1:], "apply", "--yes"],
        env={**cloud.environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        while "terraform -chdir=infra apply" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(number)
        said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "interrupted\nusers stays with users-00001\nNo traffic was moved." in said
    assert serving(cloud, "users") == {"users-00001": 100}
    assert release(cloud)["services"] is None
