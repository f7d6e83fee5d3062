"""`./scripts/deploy` as a whole: its command line, and all stages in one go."""

from collections.abc import Iterator

import pytest

from scripts.release.counts import ADDRESS_VARIABLE
from scripts.release.deploy import BEFORE_ALL, STAGES
from tests.scripts.cloud.deployed import deploy_everything, serving
from tests.scripts.cloud.programs.monitoring import Monitoring
from tests.scripts.cloud.programs.monitoring import serving as serving_counts
from tests.scripts.cloud.programs.terraform import planned
from tests.scripts.conftest import Clock, Cloud

DEPLOY = ("deploy", "--environment=prod")


@pytest.fixture
def monitoring() -> Iterator[Monitoring]:
    """Cloud Monitoring."""
    with serving_counts() as running:
        yield running


def test_without_a_stage_there_are_all(cloud: Cloud, monitoring: Monitoring, clock: Clock) -> None:
    deploy_everything(cloud, planned=[planned("users", "update")])
    address = {ADDRESS_VARIABLE: monitoring.address}
    done = cloud.run(*DEPLOY, "--yes", "--look-each-s=100", environment=address)
    assert done.returncode == 0, done.stdout + done.stderr
    begun = [line.partition(":")[0] for line in done.stdout.splitlines()]
    assert [line for line in begun if line in STAGES] == list(STAGES)
    assert done.stdout.endswith("The release is complete.\n")
    assert serving(cloud, "users") == {"users-00002": 100}


def test_what_fails_ends_it(cloud: Cloud) -> None:
    deploy_everything(cloud, holes=["a hole"])
    done = cloud.run(*DEPLOY, "--yes")
    assert done.returncode == 1
    assert "image:" not in done.stdout
    assert "complete" not in done.stdout


def test_where_nobody_can_be_asked_nothing_begins(cloud: Cloud) -> None:
    done = cloud.run(*DEPLOY, given="y\n")
    assert (done.returncode, cloud.state) == (1, {})
    assert "no --yes; nothing was changed" in done.stdout


@pytest.mark.parametrize("arguments", [("deploy", "--yes"), (*DEPLOY, "everything")], ids=str)
def test_a_wrong_command_line_is_refused(cloud: Cloud, arguments: tuple[str, ...]) -> None:
    assert cloud.run(*arguments).returncode == 2


def test_help_has_every_stage(cloud: Cloud) -> None:
    done = cloud.run("deploy", "--help")
    assert done.returncode == 0
    for stage, (_, what) in (STAGES | BEFORE_ALL).items():
        assert f"  {stage:<11} {what}" in done.stdout
