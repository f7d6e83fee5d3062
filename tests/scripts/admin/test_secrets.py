"""`./scripts/secrets list` and `set`, with a fake of Secret Manager."""

import json
from typing import Any

import pytest

from tests.scripts.admin.secret_state import add_secrets, output_of, version
from tests.scripts.cloud.golden_files import assert_golden
from tests.scripts.cloud.terminal_session import CTRL_C, run_in_terminal
from tests.scripts.conftest import FakeCloud

SECRETS = ("secrets", "--environment=prod")
VALUE = "hunter2-confidential"


@pytest.fixture
def with_secrets(cloud: FakeCloud) -> FakeCloud:
    """An environment with secrets."""
    return add_secrets(cloud)


def values(cloud: FakeCloud) -> list[str]:
    return [each["data"] for each in cloud.state["secrets"]["web-auth-key"]]


def configure(cloud: FakeCloud, *variables: str) -> None:
    """Name the secrets of the services in the file of the environment."""
    file = cloud.folder / "prod.tfvars"
    file.write_text(f"{file.read_text()}secrets = {json.dumps(variables)}\n")


def test_list_shows_all_secrets(with_secrets: FakeCloud) -> None:
    configure(with_secrets, "WEB_AUTH_KEY", "REVENUECAT_API_KEY")
    done = with_secrets.run(*SECRETS, "list")
    assert done.returncode == 0, output_of(done)
    assert_golden("secrets-list", done.stdout)


@pytest.mark.parametrize(
    ("secrets", "problem"),
    [
        ({}, "missing"),
        ({"web-auth-key": []}, "has no version"),
        ({"web-auth-key": [version(), version("DISABLED")]}, "version 2, the newest, is disabled"),
    ],
    ids=["missing", "no version", "newest disabled"],
)
def test_list_fails_for_an_unreadable_secret(
    with_secrets: FakeCloud, secrets: dict[str, Any], problem: str
) -> None:
    configure(with_secrets, "WEB_AUTH_KEY")
    with_secrets.update(secrets=secrets)
    done = with_secrets.run(*SECRETS, "list")
    assert (done.returncode, problem in done.stdout) == (1, True), output_of(done)


def test_value_reaches_only_secret_manager(with_secrets: FakeCloud) -> None:
    done = with_secrets.run(*SECRETS, "set", "WEB_AUTH_KEY", stdin=f"{VALUE}\n")
    assert done.returncode == 0, output_of(done)
    assert values(with_secrets)[-1] == VALUE
    assert VALUE not in output_of(done)
    assert VALUE not in str(with_secrets.commands)
    assert "within 300 s" in done.stdout


def test_set_of_unconfigured_secret_names_the_next_step(with_secrets: FakeCloud) -> None:
    configure(with_secrets, "OPENAI_API_KEY")
    done = with_secrets.run(*SECRETS, "set", "WEB_AUTH_KEY", stdin=VALUE)
    assert done.returncode == 0, output_of(done)
    assert "before `secrets` in infra/prod.tfvars names it" in done.stdout
    assert "within 300 s" not in done.stdout


def test_value_is_typed_twice_and_hidden(with_secrets: FakeCloud) -> None:
    done, shown = run_in_terminal(
        with_secrets, *SECRETS, "set", "web-auth-key", answers=[VALUE, VALUE]
    )
    assert done == 0, shown
    assert values(with_secrets)[-1] == VALUE
    assert VALUE not in shown
    assert VALUE not in str(with_secrets.commands)


@pytest.mark.parametrize(
    ("answers", "status", "reason"),
    [
        ([VALUE, "another"], 1, "the two values differ"),
        (["", ""], 1, "the value is empty"),
        ([VALUE, CTRL_C], 130, "interrupted"),
    ],
    ids=["different", "empty", "Ctrl-C"],
)
def test_invalid_input_sets_no_value(
    with_secrets: FakeCloud, answers: list[str], status: int, reason: str
) -> None:
    done, shown = run_in_terminal(with_secrets, *SECRETS, "set", "web-auth-key", answers=answers)
    assert (done, reason in shown) == (status, True), shown
    assert VALUE not in shown
    assert len(values(with_secrets)) == 3


def test_apple_key_must_come_from_a_file(with_secrets: FakeCloud) -> None:
    with_secrets.update(secrets={"apple-private-key": []})
    done, shown = run_in_terminal(with_secrets, *SECRETS, "set", "apple-private-key", answers=[])
    assert (done, "pass its file" in shown) == (1, True), shown


@pytest.mark.parametrize(
    ("secret", "given"),
    [("WEB_AUTH_KEY", f"{VALUE}\n{VALUE}"), ("APPLE_PRIVATE_KEY", VALUE), ("WEB_AUTH_KEY", " \n")],
    ids=["two lines", "not a key", "blanks"],
)
def test_invalid_value_is_rejected_and_not_shown(
    with_secrets: FakeCloud, secret: str, given: str
) -> None:
    with_secrets.update(secrets=with_secrets.state["secrets"] | {"apple-private-key": []})
    before = with_secrets.state["secrets"]
    done = with_secrets.run(*SECRETS, "set", secret, stdin=given)
    assert done.returncode == 1
    assert VALUE not in output_of(done)
    assert with_secrets.state["secrets"] == before


def test_missing_secret_fails_before_the_prompt(with_secrets: FakeCloud) -> None:
    done, shown = run_in_terminal(with_secrets, *SECRETS, "set", "apple-shared-secret", answers=[])
    assert done == 1
    assert "NOT_FOUND" in shown
    assert "(hidden):" not in shown


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
    ids=["assigned", "alone", "after the name", "option", "no command", "no name", "list"],
)
def test_value_as_argument_is_rejected_and_not_shown(
    with_secrets: FakeCloud, arguments: tuple[str, ...], status: int
) -> None:
    done = with_secrets.run(*SECRETS, *arguments, stdin="")
    assert done.returncode == status
    assert VALUE not in output_of(done)
    assert "commands" not in with_secrets.state


def test_dry_run_shows_all_commands(with_secrets: FakeCloud) -> None:
    before = with_secrets.state["secrets"]
    done = with_secrets.run(*SECRETS, "set", "WEB_AUTH_KEY", "--dry-run")
    assert done.returncode == 0, output_of(done)
    assert_golden("secrets-set", done.stdout)
    assert with_secrets.state["secrets"] == before
