"""`./scripts/deploy` as a whole: its command line, and all stages in one run."""

from collections.abc import Iterator

import pytest

from scripts.release.deploy import SETUP_STAGES, STAGES
from scripts.release.request_counts import ADDRESS_VARIABLE
from tests.scripts.cloud.fake_programs.monitoring import FakeMonitoring, serve_monitoring
from tests.scripts.cloud.fake_programs.terraform import planned
from tests.scripts.cloud.project_state import deploy_all, traffic_of
from tests.scripts.conftest import DEPLOY, FakeClock, FakeCloud


@pytest.fixture
def monitoring() -> Iterator[FakeMonitoring]:
    """A fake of Cloud Monitoring."""
    with serve_monitoring() as running:
        yield running


@pytest.mark.usefixtures("clock")
def test_deploy_runs_all_stages(cloud: FakeCloud, monitoring: FakeMonitoring) -> None:
    deploy_all(cloud, planned=[planned("users", "update")])
    address = {ADDRESS_VARIABLE: monitoring.address}
    done = cloud.run(*DEPLOY, "--yes", "--check-interval-s=100", environment=address)
    assert done.returncode == 0, done.stdout + done.stderr
    begun = [line.partition(":")[0] for line in done.stdout.splitlines()]
    assert [line for line in begun if line in STAGES] == list(STAGES)
    assert done.stdout.endswith("The release is complete.\n")
    assert traffic_of(cloud, "users") == {"users-00002": 100}


@pytest.mark.usefixtures("clock")
def test_two_releases_keep_the_traffic_pinned(
    cloud: FakeCloud, monitoring: FakeMonitoring, clock: FakeClock
) -> None:
    address = {ADDRESS_VARIABLE: monitoring.address}
    deploy_all(cloud)
    for number in (2, 3):
        cloud.update(planned=[planned("users", "update"), planned("chat", "update")], commands=[])
        done = cloud.run(*DEPLOY, "--yes", "--check-interval-s=100", environment=address)
        assert done.returncode == 0, done.stdout + done.stderr
        for name in ("users", "chat"):
            assert traffic_of(cloud, name) == {f"{name}-{number:05}": 100}
            # Tag, three steps, all traffic: nothing is pinned again.
            updates = [each for each in cloud.commands if "update-traffic" in each and name in each]
            assert len(updates) == 5
    assert clock.passed_s > 0


def test_failed_stage_ends_the_release(cloud: FakeCloud) -> None:
    deploy_all(cloud, vulnerabilities=["one"])
    done = cloud.run(*DEPLOY, "--yes")
    assert done.returncode == 1
    assert "image:" not in done.stdout
    assert "complete" not in done.stdout


def test_deploy_without_terminal_needs_yes(cloud: FakeCloud) -> None:
    done = cloud.run(*DEPLOY, stdin="y\n")
    assert (done.returncode, cloud.state) == (1, {})
    assert "no --yes; nothing was changed" in done.stdout


@pytest.mark.parametrize("arguments", [("deploy", "--yes"), (*DEPLOY, "everything")], ids=str)
def test_invalid_command_line_is_rejected(cloud: FakeCloud, arguments: tuple[str, ...]) -> None:
    assert cloud.run(*arguments).returncode == 2


def test_help_lists_every_stage(cloud: FakeCloud) -> None:
    done = cloud.run("deploy", "--help")
    assert done.returncode == 0
    for stage, (_, description) in (STAGES | SETUP_STAGES).items():
        assert f"  {stage:<11} {description}" in done.stdout
