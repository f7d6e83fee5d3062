"""`./scripts/deploy apply` interrupted by a signal."""

import signal
import subprocess

import pytest

from scripts.release.release import Release
from scripts.root import ROOT
from tests.scripts.cloud.fake_programs.terraform import planned
from tests.scripts.cloud.project_state import IMAGE, deploy_all, read_release, traffic_of
from tests.scripts.conftest import DEPLOY, FakeCloud

TIMEOUT_S = 300


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=str)
def test_interrupted_apply_reports_the_traffic(cloud: FakeCloud, number: signal.Signals) -> None:
    deploy_all(cloud, planned=[planned("users", "update")], apply_hangs=True)
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
        output, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    expected = "interrupted\nusers: all traffic stays on users-00001\nNo traffic was moved."
    assert expected in output
    assert traffic_of(cloud, "users") == {"users-00001": 100}
    assert read_release(cloud)["services"] is None
