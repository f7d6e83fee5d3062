"""`cloudbuild.yaml`: what it says, and that its steps do it when they run in order."""

import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from scripts.cloud.environments import NAMES
from scripts.local.ports import SERVICES
from scripts.release.counts import ADDRESS_VARIABLE
from scripts.release.deploy import STAGES
from scripts.root import ROOT
from tests.scripts.cloud.deployed import deploy_everything, serving, tags
from tests.scripts.cloud.programs.monitoring import Monitoring
from tests.scripts.cloud.programs.monitoring import serving as serving_counts
from tests.scripts.cloud.programs.terraform import planned
from tests.scripts.conftest import Cloud

BUILD: dict[str, Any] = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())
STEPS: dict[str, dict[str, Any]] = {step["id"]: step for step in BUILD["steps"]}
BUILDER = "liftlog-builder"
OF_THE_PLATFORM = {"PROJECT_ID", "PROJECT_NUMBER", "BUILD_ID", "COMMIT_SHA", "SHORT_SHA"}
_LONGEST_BUILD_S = 24 * 3600
_CANARY_S = 3 * 2 * 300
_TERRAFORM_S = 3600
_READY_S = 60


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_the_steps_are_those_of_a_release_one_after_the_other() -> None:
    assert list(STEPS) == ["builder", "test", *STAGES]
    assert list(STAGES) == ["package", "scan", "image", "plan", "apply", "smoke", "canary"]
    assert not any("waitFor" in step for step in STEPS.values())  # so each waits for all before
    assert not any(
        step.get("allowFailure") or step.get("allowExitCodes") for step in STEPS.values()
    )


def test_every_step_is_a_script_of_the_repository() -> None:
    for name, step in list(STEPS.items())[1:]:
        assert (step["name"], step["entrypoint"]) == (BUILDER, "bash"), name
        assert os.access(ROOT / step["args"][0], os.X_OK), name


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_is_a_step_of_its_name_that_asks_nobody(stage: str) -> None:
    assert STEPS[stage]["args"] == [
        "scripts/deploy", "--environment=$_ENVIRONMENT", stage, "--yes"
    ]  # fmt: skip


def test_the_builder_is_built_here_and_under_the_name_that_is_used() -> None:
    args = STEPS["builder"]["args"]
    assert args[:3] == ["build", "--tag", BUILDER]
    assert (ROOT / args[3] / "Dockerfile").exists()


def test_tests_leave_nothing_out() -> None:
    assert STEPS["test"]["args"] == ["scripts/test"]
    assert "CI=true" in STEPS["test"]["env"]


def strings(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for value in part.values():
            yield from strings(value)
    elif isinstance(part, list):
        for value in part:
            yield from strings(value)
    else:
        yield str(part)


def test_substitutions_are_declared_and_used() -> None:
    text = " ".join(strings({**BUILD, "substitutions": {}}))
    used = set(re.findall(r"\$\{?([A-Z_][A-Z0-9_]*)", text))
    assert used - OF_THE_PLATFORM == BUILD["substitutions"].keys()
    assert BUILD["substitutions"]["_ENVIRONMENT"] in NAMES


def test_whatever_is_released_unasked_is_not_production() -> None:
    assert BUILD["substitutions"]["_ENVIRONMENT"] != "prod"


def test_it_knows_no_secret() -> None:
    assert not {"availableSecrets", "secrets"} & BUILD.keys()
    assert not any("secretEnv" in step for step in STEPS.values())
    long_ones = [text for text in strings(BUILD) if re.search(r"[A-Za-z0-9+/_-]{32,}", text)]
    assert long_ones == []


def test_times_fit_into_each_other() -> None:
    assert all("timeout" in step for step in STEPS.values())
    total = sum(seconds(step["timeout"]) for step in STEPS.values())
    assert total <= seconds(BUILD["timeout"]) <= _LONGEST_BUILD_S
    # Else the canary is cut off where it would have returned the traffic by itself.
    assert seconds(STEPS["canary"]["timeout"]) > _CANARY_S + 600
    # Else Terraform is cut off while it has the state locked.
    assert seconds(STEPS["apply"]["timeout"]) > _TERRAFORM_S + 600
    # Else nobody is told which service is not ready.
    assert seconds(STEPS["smoke"]["timeout"]) > _READY_S * len(SERVICES) + 300


def test_an_account_of_its_own_may_write_its_log() -> None:
    assert BUILD["options"]["logging"] == "CLOUD_LOGGING_ONLY"


@pytest.fixture
def monitoring() -> Iterator[Monitoring]:
    """Cloud Monitoring."""
    with serving_counts() as running:
        yield running


def run(cloud: Cloud, monitoring: Monitoring, name: str) -> subprocess.CompletedProcess[str]:
    """Run a step as Cloud Build does."""
    step = STEPS[name]
    words = [word.replace("$_ENVIRONMENT", "prod") for word in [step["entrypoint"], *step["args"]]]
    if name == "canary":  # only the time is not what it is there
        words += ["--step-s=0.2", "--look-each-s=0.1"]
    variables = dict(each.split("=", 1) for each in BUILD["options"]["env"])
    return subprocess.run(
        words,
        cwd=ROOT,
        env={**cloud.environment, **variables, ADDRESS_VARIABLE: monitoring.address},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_a_release_ends_with_the_old_revisions_or_with_the_new_ones(
    cloud: Cloud, monitoring: Monitoring
) -> None:
    deploy_everything(cloud, planned=[planned("users", "update"), planned("chat", "update")])
    for name in list(STAGES)[:-1]:
        done = run(cloud, monitoring, name)
        assert done.returncode == 0, (name, done.stdout, done.stderr)
        assert serving(cloud, "users") == {"users-00001": 100}

    monitoring.requests = {"users-00002": {"2xx": 50, "5xx": 50}}
    done = run(cloud, monitoring, "canary")
    assert done.returncode == 1
    assert serving(cloud, "users") == {"users-00001": 100}
    assert serving(cloud, "chat") == {"chat-00001": 100}
    assert tags(cloud, "users") == {"candidate": "users-00002"}

    monitoring.requests = {"users-00002": {"2xx": 500}}
    done = run(cloud, monitoring, "canary")
    assert done.returncode == 0, done.stdout
    assert serving(cloud, "users") == {"users-00002": 100}
    assert serving(cloud, "chat") == {"chat-00002": 100}
    assert serving(cloud, "events") == {"events-00001": 100}
    assert tags(cloud, "users") == {}
    assert "5 % of the traffic, after" in done.stdout
    assert "\x1b" not in done.stdout
