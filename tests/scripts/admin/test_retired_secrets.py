"""`./scripts/secrets retire`, against a stand-in for Secret Manager."""

import re

import pytest

from tests.scripts.admin.vault import fill, shown, version
from tests.scripts.cloud.golden import as_golden
from tests.scripts.cloud.terminal import talk
from tests.scripts.conftest import Cloud


@pytest.fixture
def kept(cloud: Cloud) -> Cloud:
    return fill(cloud)


def states(cloud: Cloud) -> list[str]:
    return [each["state"] for each in cloud.state["secrets"]["web-auth-key"]]


def test_old_versions_are_disabled(kept: Cloud) -> None:
    done = kept.run("secrets", "--environment=prod", "retire", "WEB_AUTH_KEY", "--yes")
    assert done.returncode == 0, shown(done)
    assert states(kept) == ["DISABLED", "DISABLED", "ENABLED"]
    again = kept.run("secrets", "--environment=prod", "retire", "WEB_AUTH_KEY")
    assert (again.returncode, "nothing to do" in again.stdout) == (0, True)


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 1)], ids=["yes", "no"])
def test_before_versions_are_disabled_it_asks(kept: Cloud, answer: str, status: int) -> None:
    done, said = talk(
        kept, "secrets", "--environment=prod", "retire", "web-auth-key", answers=[answer]
    )
    assert done == status, said
    assert "Disable version 2? [y/N]" in said
    assert "gcloud secrets versions enable 2 --secret=web-auth-key" in said
    assert states(kept)[1] == ("ENABLED" if status else "DISABLED")


def test_old_versions_are_not_disabled_while_they_may_be_in_use(kept: Cloud) -> None:
    kept.has(secrets={"web-auth-key": [version(), version(seconds=110)]})
    done = kept.run("secrets", "--environment=prod", "retire", "WEB_AUTH_KEY")
    assert done.returncode == 1
    assert re.search(r"try again in 1\d\d s", done.stdout), shown(done)
    assert states(kept) == ["ENABLED", "ENABLED"]
    sure = kept.run("secrets", "--environment=prod", "retire", "WEB_AUTH_KEY", "--yes")
    assert sure.returncode == 0, shown(sure)
    assert states(kept) == ["DISABLED", "ENABLED"]


def test_nothing_is_disabled_while_the_newest_cannot_be_read(kept: Cloud) -> None:
    kept.has(secrets={"web-auth-key": [version(), version("DISABLED")]})
    done = kept.run("secrets", "--environment=prod", "retire", "WEB_AUTH_KEY", "--yes")
    assert (done.returncode, "set it first" in done.stdout) == (1, True)
    assert states(kept) == ["ENABLED", "DISABLED"]


def test_a_dry_run_shows_every_call_and_changes_nothing(kept: Cloud) -> None:
    before = kept.state["secrets"]
    done = kept.run("secrets", "--environment=prod", "retire", "WEB_AUTH_KEY", "--dry-run")
    assert done.returncode == 0, shown(done)
    as_golden("secrets-retire", done.stdout)
    assert kept.state["secrets"] == before
