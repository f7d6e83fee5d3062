"""`./scripts/secrets retire`, with a fake of Secret Manager."""

import re

import pytest

from tests.scripts.admin.secret_state import add_secrets, output_of, version
from tests.scripts.cloud.golden_files import assert_golden
from tests.scripts.cloud.terminal_session import run_in_terminal
from tests.scripts.conftest import FakeCloud

RETIRE = ("secrets", "--environment=prod", "retire")


@pytest.fixture
def with_secrets(cloud: FakeCloud) -> FakeCloud:
    """An environment with secrets."""
    return add_secrets(cloud)


def states(cloud: FakeCloud) -> list[str]:
    return [each["state"] for each in cloud.state["secrets"]["web-auth-key"]]


def test_old_versions_are_disabled(with_secrets: FakeCloud) -> None:
    done = with_secrets.run(*RETIRE, "WEB_AUTH_KEY", "--yes")
    assert done.returncode == 0, output_of(done)
    assert states(with_secrets) == ["DISABLED", "DISABLED", "ENABLED"]
    again = with_secrets.run(*RETIRE, "WEB_AUTH_KEY")
    assert (again.returncode, "nothing to do" in again.stdout) == (0, True)


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 1)], ids=["yes", "no"])
def test_retire_asks_at_a_terminal(with_secrets: FakeCloud, answer: str, status: int) -> None:
    done, shown = run_in_terminal(with_secrets, *RETIRE, "web-auth-key", answers=[answer])
    assert done == status, shown
    assert "Disable version 2? [y/N]" in shown
    assert "gcloud secrets versions enable 2 --secret=web-auth-key" in shown
    assert states(with_secrets)[1] == ("ENABLED" if status else "DISABLED")


def test_version_in_use_is_not_disabled(with_secrets: FakeCloud) -> None:
    with_secrets.update(secrets={"web-auth-key": [version(), version(seconds=110)]})
    done = with_secrets.run(*RETIRE, "WEB_AUTH_KEY")
    assert done.returncode == 1
    assert re.search(r"previous one for 1\d\d s", done.stdout), output_of(done)
    assert states(with_secrets) == ["ENABLED", "ENABLED"]
    confirmed = with_secrets.run(*RETIRE, "WEB_AUTH_KEY", "--yes")
    assert confirmed.returncode == 0, output_of(confirmed)
    assert states(with_secrets) == ["DISABLED", "ENABLED"]


def test_old_versions_stay_if_the_newest_is_disabled(with_secrets: FakeCloud) -> None:
    with_secrets.update(secrets={"web-auth-key": [version(), version("DISABLED")]})
    done = with_secrets.run(*RETIRE, "WEB_AUTH_KEY", "--yes")
    assert (done.returncode, "set it first" in done.stdout) == (1, True)
    assert states(with_secrets) == ["ENABLED", "DISABLED"]


def test_dry_run_shows_all_commands(with_secrets: FakeCloud) -> None:
    before = with_secrets.state["secrets"]
    done = with_secrets.run(*RETIRE, "WEB_AUTH_KEY", "--dry-run")
    assert done.returncode == 0, output_of(done)
    assert_golden("secrets-retire", done.stdout)
    assert with_secrets.state["secrets"] == before
