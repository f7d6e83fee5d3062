"""`./scripts/secrets list` and `set`, against a stand-in for Secret Manager."""

import json
from typing import Any

import pytest

from tests.scripts.admin.vault import fill, shown, version
from tests.scripts.cloud.golden import as_golden
from tests.scripts.cloud.terminal import CTRL_C, talk
from tests.scripts.conftest import Cloud

VALUE = "hunter2-nobody-may-see"


@pytest.fixture
def kept(cloud: Cloud) -> Cloud:
    return fill(cloud)


def data(cloud: Cloud) -> list[str]:
    return [each["data"] for each in cloud.state["secrets"]["web-auth-key"]]


def in_use(cloud: Cloud, *variables: str) -> None:
    """Let the environment's file name the secrets that services are told of."""
    file = cloud.folder / "prod.tfvars"
    file.write_text(f"{file.read_text()}secrets = {json.dumps(variables)}\n")


def test_secrets_are_listed(kept: Cloud) -> None:
    in_use(kept, "WEB_AUTH_KEY", "REVENUECAT_API_KEY")
    done = kept.run("secrets", "--environment=prod", "list")
    assert done.returncode == 0, shown(done)
    as_golden("secrets-list", done.stdout)


@pytest.mark.parametrize(
    ("secrets", "why"),
    [
        ({}, "is not there"),
        ({"web-auth-key": []}, "has no version"),
        ({"web-auth-key": [version(), version("DISABLED")]}, "version 2, the newest, is disabled"),
    ],
    ids=["not there", "without a version", "with a newest that is disabled"],
)
def test_a_secret_that_cannot_be_read_is_told(kept: Cloud, secrets: Any, why: str) -> None:
    in_use(kept, "WEB_AUTH_KEY")
    kept.has(secrets=secrets)
    done = kept.run("secrets", "--environment=prod", "list")
    assert (done.returncode, why in done.stdout) == (1, True), shown(done)


def test_a_value_reaches_secret_manager_and_nothing_else(kept: Cloud) -> None:
    done = kept.run("secrets", "--environment=prod", "set", "WEB_AUTH_KEY", given=f"{VALUE}\n")
    assert done.returncode == 0, shown(done)
    assert data(kept)[-1] == VALUE
    assert VALUE not in shown(done)
    assert VALUE not in str(kept.calls)
    assert "within 300 s" in done.stdout


def test_whoever_sets_what_no_service_is_told_of_learns_what_is_missing(kept: Cloud) -> None:
    in_use(kept, "OPENAI_API_KEY")
    done = kept.run("secrets", "--environment=prod", "set", "WEB_AUTH_KEY", given=VALUE)
    assert done.returncode == 0, shown(done)
    assert "before `secrets` in infra/prod.tfvars names it" in done.stdout
    assert "within 300 s" not in done.stdout


def test_a_value_is_typed_twice_and_unseen(kept: Cloud) -> None:
    done, said = talk(
        kept, "secrets", "--environment=prod", "set", "web-auth-key", answers=[VALUE, VALUE]
    )
    assert done == 0, said
    assert data(kept)[-1] == VALUE
    assert VALUE not in said
    assert VALUE not in str(kept.calls)


@pytest.mark.parametrize(
    ("answers", "status", "why"),
    [
        ([VALUE, "another"], 1, "two different values"),
        (["", ""], 1, "it is empty"),
        ([VALUE, CTRL_C], 130, "interrupted"),
    ],
    ids=["different", "nothing", "Ctrl-C"],
)
def test_what_is_not_typed_properly_is_not_set(
    kept: Cloud, answers: list[str], status: int, why: str
) -> None:
    done, said = talk(kept, "secrets", "--environment=prod", "set", "web-auth-key", answers=answers)
    assert (done, why in said) == (status, True), said
    assert VALUE not in said
    assert len(data(kept)) == 3


def test_apples_key_is_given_as_a_file(kept: Cloud) -> None:
    kept.has(secrets={"apple-private-key": []})
    done, said = talk(kept, "secrets", "--environment=prod", "set", "apple-private-key", answers=[])
    assert (done, "give its file" in said) == (1, True), said


@pytest.mark.parametrize(
    ("secret", "given"),
    [("WEB_AUTH_KEY", f"{VALUE}\n{VALUE}"), ("APPLE_PRIVATE_KEY", VALUE), ("WEB_AUTH_KEY", " \n")],
    ids=["two lines", "no key", "blanks"],
)
def test_what_cannot_be_a_value_is_refused_unseen(kept: Cloud, secret: str, given: str) -> None:
    kept.has(secrets=kept.state["secrets"] | {"apple-private-key": []})
    before = kept.state["secrets"]
    done = kept.run("secrets", "--environment=prod", "set", secret, given=given)
    assert done.returncode == 1
    assert VALUE not in shown(done)
    assert kept.state["secrets"] == before


def test_a_secret_that_is_not_there_is_told_before_its_value_is_asked_for(kept: Cloud) -> None:
    done, said = talk(
        kept, "secrets", "--environment=prod", "set", "apple-shared-secret", answers=[]
    )
    assert done == 1
    assert "NOT_FOUND" in said
    assert "is not shown" not in said


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("set", f"WEB_AUTH_KEY={VALUE}"), 1),
        (("set", VALUE), 1),
        (("set", "WEB_AUTH_KEY", VALUE), 2),
        (("set", "WEB_AUTH_KEY", f"--value={VALUE}"), 2),
        ((f"WEB_AUTH_KEY={VALUE}",), 2),
        (("set",), 2),
        (("list", VALUE), 2),
    ],
    ids=["assigned", "alone", "behind", "as an option", "no command", "no name", "listed"],
)
def test_a_value_on_the_command_line_is_refused_and_not_repeated(
    kept: Cloud, arguments: tuple[str, ...], status: int
) -> None:
    done = kept.run("secrets", "--environment=prod", *arguments, given="")
    assert done.returncode == status
    assert VALUE not in shown(done)
    assert "calls" not in kept.state


def test_a_dry_run_shows_every_call_and_changes_nothing(kept: Cloud) -> None:
    before = kept.state["secrets"]
    done = kept.run("secrets", "--environment=prod", "set", "WEB_AUTH_KEY", "--dry-run")
    assert done.returncode == 0, shown(done)
    as_golden("secrets-set", done.stdout)
    assert kept.state["secrets"] == before
