"""`cloudbuild.yaml`: its content, and a release with its steps in order."""

import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from scripts.cloud.environments import NAMES
from scripts.local.ports import SERVICES
from scripts.release.deploy import STAGES
from scripts.release.request_counts import ADDRESS_VARIABLE
from scripts.root import ROOT
from tests.scripts.cloud.fake_programs.monitoring import FakeMonitoring, serve_monitoring
from tests.scripts.cloud.fake_programs.terraform import planned
from tests.scripts.cloud.project_state import deploy_all, tags_of, traffic_of
from tests.scripts.conftest import FakeCloud

BUILD: dict[str, Any] = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())
STEPS: dict[str, dict[str, Any]] = {step["id"]: step for step in BUILD["steps"]}
BUILDER = "liftlog-builder"
BUILT_IN_SUBSTITUTIONS = {"PROJECT_ID", "PROJECT_NUMBER", "BUILD_ID", "COMMIT_SHA", "SHORT_SHA"}
_MAX_BUILD_S = 24 * 3600
_MAX_CANARY_S = 3 * 2 * 300
_TERRAFORM_TIMEOUT_S = 3600
_READY_TIMEOUT_S = 60


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_steps_are_the_stages_in_order() -> None:
    assert list(STEPS) == ["builder", "test", *STAGES]
    assert list(STAGES) == ["package", "scan", "image", "plan", "apply", "smoke", "canary"]
    # Without waitFor, each step waits for all earlier ones.
    assert not any("waitFor" in step for step in STEPS.values())
    assert not any(
        step.get("allowFailure") or step.get("allowExitCodes") for step in STEPS.values()
    )


def test_every_step_runs_a_script() -> None:
    for name, step in list(STEPS.items())[1:]:
        assert (step["name"], step["entrypoint"]) == (BUILDER, "bash"), name
        assert os.access(ROOT / step["args"][0], os.X_OK), name


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_is_a_step_without_confirmation(stage: str) -> None:
    assert STEPS[stage]["args"] == [
        "scripts/deploy", "--environment=$_ENVIRONMENT", stage, "--yes"
    ]  # fmt: skip


def test_builder_image_is_built_by_the_first_step() -> None:
    args = STEPS["builder"]["args"]
    assert args[:3] == ["build", "--tag", BUILDER]
    assert (ROOT / args[3] / "Dockerfile").exists()


def test_tests_may_not_be_skipped() -> None:
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
    assert used - BUILT_IN_SUBSTITUTIONS == BUILD["substitutions"].keys()
    assert BUILD["substitutions"]["_ENVIRONMENT"] in NAMES


def test_default_environment_is_not_production() -> None:
    assert BUILD["substitutions"]["_ENVIRONMENT"] != "prod"


def test_build_contains_no_secret() -> None:
    assert not {"availableSecrets", "secrets"} & BUILD.keys()
    assert not any("secretEnv" in step for step in STEPS.values())
    long_texts = [text for text in strings(BUILD) if re.search(r"[A-Za-z0-9+/_-]{32,}", text)]
    assert long_texts == []


def test_timeouts_are_consistent() -> None:
    assert all("timeout" in step for step in STEPS.values())
    total = sum(seconds(step["timeout"]) for step in STEPS.values())
    assert total <= seconds(BUILD["timeout"]) <= _MAX_BUILD_S
    # Otherwise Cloud Build kills the canary before it can roll back.
    assert seconds(STEPS["canary"]["timeout"]) > _MAX_CANARY_S + 600
    # Otherwise Cloud Build kills Terraform, which leaves its state locked.
    assert seconds(STEPS["apply"]["timeout"]) > _TERRAFORM_TIMEOUT_S + 600
    # Otherwise the log does not name the service that is not ready.
    assert seconds(STEPS["smoke"]["timeout"]) > _READY_TIMEOUT_S * len(SERVICES) + 300


def test_log_goes_to_cloud_logging() -> None:
    # Cloud Build requires this for an account other than its default one.
    assert BUILD["options"]["logging"] == "CLOUD_LOGGING_ONLY"


@pytest.fixture
def monitoring() -> Iterator[FakeMonitoring]:
    """A fake of Cloud Monitoring."""
    with serve_monitoring() as running:
        yield running


def run_step(
    cloud: FakeCloud, monitoring: FakeMonitoring, name: str
) -> subprocess.CompletedProcess[str]:
    """Run a step like Cloud Build."""
    step = STEPS[name]
    words = [word.replace("$_ENVIRONMENT", "prod") for word in [step["entrypoint"], *step["args"]]]
    if name == "canary":  # with shorter steps
        words += ["--step-s=0.2", "--check-interval-s=0.1"]
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


def test_release_ends_with_old_or_new_revisions(
    cloud: FakeCloud, monitoring: FakeMonitoring
) -> None:
    deploy_all(cloud, planned=[planned("users", "update"), planned("chat", "update")])
    for name in list(STAGES)[:-1]:
        done = run_step(cloud, monitoring, name)
        assert done.returncode == 0, (name, done.stdout, done.stderr)
        assert traffic_of(cloud, "users") == {"users-00001": 100}

    monitoring.requests = {"users-00002": {"2xx": 50, "5xx": 50}}
    done = run_step(cloud, monitoring, "canary")
    assert done.returncode == 1
    assert traffic_of(cloud, "users") == {"users-00001": 100}
    assert traffic_of(cloud, "chat") == {"chat-00001": 100}
    assert tags_of(cloud, "users") == {"candidate": "users-00002"}

    monitoring.requests = {"users-00002": {"2xx": 500}}
    done = run_step(cloud, monitoring, "canary")
    assert done.returncode == 0, done.stdout
    assert traffic_of(cloud, "users") == {"users-00002": 100}
    assert traffic_of(cloud, "chat") == {"chat-00002": 100}
    assert traffic_of(cloud, "events") == {"events-00001": 100}
    assert tags_of(cloud, "users") == {}
    assert "5 % of the traffic, 0 of 0.2 s" in done.stdout
    assert "\x1b" not in done.stdout
