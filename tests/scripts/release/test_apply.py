"""`./scripts/deploy foundation`, `plan` and `apply`, with fakes of Terraform and gcloud."""

from typing import Any

import pytest

from scripts.local.ports import SERVICES, url
from scripts.release.release import Release
from tests import stack
from tests.scripts.cloud.fake_programs.terraform import planned
from tests.scripts.cloud.project_state import (
    FOLLOWS_NEWEST,
    IMAGE,
    deploy_all,
    pinned,
    read_release,
    replace_services,
    rolled_back,
    service,
    tags_of,
    traffic_of,
)
from tests.scripts.cloud.terminal_session import run_in_terminal
from tests.scripts.conftest import DEPLOY, FakeCloud

DATABASE = {
    "address": "module.firestore.google_firestore_database.this",
    "type": "google_firestore_database",
    "actions": ["delete"],
    "name": "(default)",
}


@pytest.fixture
def started(cloud: FakeCloud) -> FakeCloud:
    """A project with all services, and a release that has its image."""
    deploy_all(cloud)
    Release("prod", IMAGE).save(cloud.root)
    return cloud


def plan_and_apply(cloud: FakeCloud, *changes: dict[str, Any]) -> str:
    """Run both stages, which must succeed; return the output."""
    cloud.update(planned=list(changes))
    output = ""
    for stage in ("plan", "apply"):
        done = cloud.run(*DEPLOY, stage, "--yes")
        output += done.stdout
        assert done.returncode == 0, output + done.stderr
    return output


def terraform_commands(cloud: FakeCloud, command: str) -> list[list[str]]:
    """Return the runs of one Terraform command."""
    return [each for each in cloud.commands if each[0] == "terraform" and command in each]


def traffic_updates(cloud: FakeCloud) -> list[list[str]]:
    """Return service and first flag of each change of traffic."""
    return [each[4:6] for each in cloud.commands if "update-traffic" in each]


def test_plan_shows_changes_and_changes_nothing(started: FakeCloud) -> None:
    topic = {"address": "t", "type": "google_pubsub_topic", "actions": ["create"], "name": "t"}
    started.update(planned=[planned("users", "update"), topic])
    before = started.state["services"]
    done = started.run(*DEPLOY, "plan")
    assert done.returncode == 0, done.stdout
    assert started.state["services"] == before
    assert "1 to add, 1 to change, 0 to replace, 0 to destroy" in done.stdout
    assert "users: new revisions get no traffic before the canary" in done.stdout
    assert done.stdout.endswith("next: ./scripts/deploy --environment prod apply\n")
    [command] = terraform_commands(started, "plan")
    assert f"-var=chat_image={IMAGE}" in command
    [init] = terraform_commands(started, "init")
    assert "-backend-config=bucket=liftlog-prod-terraform" in init


def test_plan_that_destroys_data_is_refused(started: FakeCloud) -> None:
    started.update(planned=[DATABASE])
    refused = started.run(*DEPLOY, "plan")
    assert refused.returncode == 1
    assert f"{DATABASE['address']} would be lost (destroy)" in refused.stdout
    assert started.run(*DEPLOY, "apply", "--yes").returncode == 1
    assert terraform_commands(started, "apply") == []
    allowed = started.run(*DEPLOY, "plan", "--allow-destroying", str(DATABASE["address"]))
    assert allowed.returncode == 0


def test_new_revisions_get_a_tag_and_no_traffic(started: FakeCloud) -> None:
    output = plan_and_apply(started, planned("users", "update"), planned("chat", "update"))
    for name in ("users", "chat"):
        assert traffic_of(started, name) == {f"{name}-00001": 100}
        assert tags_of(started, name) == {"candidate": f"{name}-00002"}
        found = read_release(started)["services"][name]
        assert (found["old"], found["new"]) == (f"{name}-00001", f"{name}-00002")
    assert "users: users-00002 is at http" in output


def test_apply_uses_the_plan_that_was_shown(started: FakeCloud) -> None:
    plan_and_apply(started, planned("users", "update"))
    [plan] = terraform_commands(started, "plan")
    [apply] = terraform_commands(started, "apply")
    assert plan[-1] == f"-out={apply[-1]}"


def test_pinned_traffic_needs_no_update(started: FakeCloud) -> None:
    plan_and_apply(started, planned("users", "update"))
    assert traffic_updates(started) == [["users", "--update-tags=candidate=users-00002"]]


def test_plan_pins_traffic_that_follows_the_newest(started: FakeCloud) -> None:
    services = {name: service(name, traffic=FOLLOWS_NEWEST) for name in ("users", "events", "chat")}
    replace_services(started, **services)
    output = plan_and_apply(started, planned("users", "update"), planned("chat", "update"))
    assert "0 to add, 2 to change" in output
    for name in ("users", "chat"):
        assert traffic_of(started, name) == {f"{name}-00001": 100}
        assert tags_of(started, name) == {"candidate": f"{name}-00002"}
    assert started.state["services"]["events"]["traffic"] == [pinned("events-00001")]


def test_unchanged_service_is_not_touched(started: FakeCloud) -> None:
    plan_and_apply(started, planned("users", "update"))
    found = read_release(started)["services"]["events"]
    assert (found["old"], found["new"]) == ("events-00001", "events-00001")
    assert found["url"] == url(stack.current().of("events"))


def test_change_without_a_revision_has_no_candidate(started: FakeCloud) -> None:
    started.update(makes_no_revision=True)
    plan_and_apply(started, planned("users", "update"))
    assert tags_of(started, "users") == {}
    found = read_release(started)["services"]["users"]
    assert (found["old"], found["new"]) == ("users-00001", "users-00001")


def test_created_service_serves_immediately(started: FakeCloud) -> None:
    started.update(services={"users": service("users")})
    plan_and_apply(started, planned("events", "create"))
    assert traffic_of(started, "events") == {"events-00001": 100}
    found = read_release(started)["services"]["events"]
    assert (found["old"], found["new"]) == (None, "events-00001")


def test_created_service_is_pinned_by_the_next_plan(started: FakeCloud) -> None:
    started.update(services={"users": service("users")})
    plan_and_apply(started, planned("events", "create"))
    assert started.state["services"]["events"]["traffic"] == FOLLOWS_NEWEST
    started.update(commands=[])
    plan_and_apply(started, planned("events", "update"))
    assert traffic_of(started, "events") == {"events-00001": 100}
    assert tags_of(started, "events") == {"candidate": "events-00002"}
    steps = [
        word
        for command in started.commands
        for word in command
        if word in {"--to-revisions=events-00001=100", "plan", "apply"}
    ]
    assert steps == ["--to-revisions=events-00001=100", "plan", "apply"]


def test_release_is_safe_if_pins_count_as_newest(started: FakeCloud) -> None:
    # The documentation of the API leaves this open. Then each release updates all functions.
    started.update(pin_counts_as_newest=True)
    plan_and_apply(started, planned("users", "update"))
    for name in SERVICES:
        assert traffic_of(started, name) == {f"{name}-00001": 100}
        if name != "chat":
            assert tags_of(started, name) == {"candidate": f"{name}-00002"}


def test_changes_without_a_service_are_applied(started: FakeCloud) -> None:
    alert = {"address": "a", "type": "google_monitoring_alert_policy", "actions": ["update"]}
    plan_and_apply(started, {**alert, "name": "errors"})
    assert len(terraform_commands(started, "apply")) == 1


def test_empty_plan_is_not_applied(started: FakeCloud) -> None:
    assert "no changes to apply" in plan_and_apply(started)
    assert terraform_commands(started, "apply") == []
    assert read_release(started)["services"].keys() == started.state["services"].keys()


def test_rolled_back_services_are_tested_again(started: FakeCloud) -> None:
    back = {
        name: rolled_back(name, traffic=[pinned(f"{name}-00001")]) for name in ("events", "chat")
    }
    replace_services(started, **back)
    plan_and_apply(started, planned("users", "update"))
    for name in ("users", "events", "chat"):
        assert traffic_of(started, name) == {f"{name}-00001": 100}
        assert tags_of(started, name) == {"candidate": f"{name}-00002"}


def test_release_during_a_canary_is_refused(started: FakeCloud) -> None:
    started.update(planned=[planned("events", "update")])
    assert started.run(*DEPLOY, "plan").returncode == 0
    traffic = [pinned("users-00001", 95), pinned("users-00002", 5)]
    replace_services(started, users=rolled_back("users", traffic=traffic))
    for stage in ("plan", "apply"):
        done = started.run(*DEPLOY, stage, "--yes")
        assert done.returncode == 1
        assert "another release is in its canary" in done.stdout
        assert "users: users-00001 95 %, users-00002 5 %" in done.stdout
    assert terraform_commands(started, "apply") == []


@pytest.mark.parametrize("name", ["users", "chat"])
def test_plan_from_before_a_rollback_is_refused(started: FakeCloud, name: str) -> None:
    released = rolled_back(name, traffic=[pinned(f"{name}-00002")])
    replace_services(started, **{name: released})
    started.update(planned=[planned(name, "update")])
    assert started.run(*DEPLOY, "plan").returncode == 0
    replace_services(started, **{name: {**released, "traffic": [pinned(f"{name}-00001")]}})
    done = started.run(*DEPLOY, "apply", "--yes")
    assert done.returncode == 1
    assert f"the traffic of {name} has changed since the plan" in done.stdout
    assert "./scripts/deploy --environment prod plan" in done.stdout
    assert traffic_of(started, name) == {f"{name}-00001": 100}
    assert terraform_commands(started, "apply") == []


def test_unpinned_traffic_after_the_plan_is_refused(started: FakeCloud) -> None:
    started.update(planned=[planned("users", "update")])
    assert started.run(*DEPLOY, "plan").returncode == 0
    replace_services(started, users=service("users", traffic=FOLLOWS_NEWEST))
    done = started.run(*DEPLOY, "apply", "--yes")
    assert (done.returncode, "the traffic of users has changed" in done.stdout) == (1, True)
    assert terraform_commands(started, "apply") == []


def test_stale_plan_is_refused_by_terraform(started: FakeCloud) -> None:
    started.update(planned=[planned("users", "update")])
    assert started.run(*DEPLOY, "plan").returncode == 0
    started.update(serial=1)
    done = started.run(*DEPLOY, "apply", "--yes")
    assert (done.returncode, "To continue with a new plan" in done.stdout) == (1, True)
    assert started.state["services"]["users"]["revisions"] == ["users-00001"]


def test_failed_apply_is_continued_by_the_next_release(started: FakeCloud) -> None:
    changes = [planned("users", "update"), planned("events", "update")]
    started.update(planned=changes, apply_fails=True)
    started.run(*DEPLOY, "plan")
    done = started.run(*DEPLOY, "apply", "--yes")
    assert done.returncode == 1
    assert "users: all traffic stays on users-00001\nNo traffic was moved." in done.stdout
    assert "events: all traffic stays on events-00001" in done.stdout
    assert done.stdout.endswith("with a new plan: ./scripts/deploy --environment prod\n")
    assert traffic_of(started, "users") == {"users-00001": 100}
    started.update(apply_fails=False)
    plan_and_apply(started, planned("events", "update"))
    assert tags_of(started, "users") == {"candidate": "users-00002"}
    assert tags_of(started, "events") == {"candidate": "events-00002"}


def test_traffic_that_moves_during_apply_is_reported(started: FakeCloud) -> None:
    started.update(planned=[planned("users", "update")], apply_moves_traffic=True)
    started.run(*DEPLOY, "plan")
    done = started.run(*DEPLOY, "apply", "--yes")
    assert done.returncode == 1
    assert "the traffic of users moved during apply" in done.stdout
    assert "  ./scripts/rollback --environment prod users --to users-00001\n" in done.stdout


def test_revision_that_does_not_start_is_reported(started: FakeCloud) -> None:
    started.update(planned=[planned("users", "update")])
    replace_services(started, users=service("users", unready=True))
    started.run(*DEPLOY, "plan")
    done = started.run(*DEPLOY, "apply", "--yes")
    assert done.returncode == 1
    assert "the newest revision of users does not start" in done.stdout


def test_release_of_another_environment_is_refused(started: FakeCloud) -> None:
    (started.folder / "dev.tfvars").write_text('project = "liftlog-dev"\nregion = "us-central1"\n')
    done = started.run("deploy", "--environment=dev", "plan")
    assert done.returncode == 1
    expected = "build/ has a release for prod: start with ./scripts/deploy --environment dev image"
    assert expected in done.stdout


@pytest.mark.parametrize(("stage", "missing"), [("apply", "plan"), ("canary", "apply")])
def test_skipped_stage_is_named(started: FakeCloud, stage: str, missing: str) -> None:
    done = started.run(*DEPLOY, stage, "--yes")
    assert f"run ./scripts/deploy --environment prod {missing} first" in done.stdout


def test_apply_without_terminal_needs_yes(started: FakeCloud) -> None:
    started.update(planned=[planned("users", "update")])
    started.run(*DEPLOY, "plan")
    done = started.run(*DEPLOY, "apply", stdin="y\n")
    assert (done.returncode, "no --yes; nothing was changed" in done.stdout) == (1, True)
    assert terraform_commands(started, "apply") == []


@pytest.mark.parametrize(("answer", "is_applied"), [("y", True), ("n", False)])
def test_apply_asks_at_a_terminal(started: FakeCloud, answer: str, is_applied: bool) -> None:
    started.update(planned=[planned("users", "update")])
    started.run(*DEPLOY, "plan")
    status, shown = run_in_terminal(started, *DEPLOY, "apply", answers=[answer])
    assert (status == 0, bool(terraform_commands(started, "apply"))) == (
        is_applied, is_applied
    ), shown  # fmt: skip
    assert "Apply this to liftlog-prod? [y/N]" in shown


def test_foundation_is_created_in_an_empty_project(cloud: FakeCloud) -> None:
    registry = "google_artifact_registry_repository"
    created = {"address": f"{registry}.images", "type": registry, "actions": ["create"], "name": ""}
    cloud.update(planned=[created])
    done = cloud.run(*DEPLOY, "foundation", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 to add" in done.stdout
    assert "./scripts/secrets --environment prod set NAME" in done.stdout
    [command] = terraform_commands(cloud, "plan")
    targets = {word for word in command if word.startswith("-target=")}
    assert f"-target={registry}.images" in targets
    assert len(terraform_commands(cloud, "apply")) == 1
    again = cloud.run(*DEPLOY, "foundation", "--yes")
    assert "no changes" in again.stdout
    assert len(terraform_commands(cloud, "apply")) == 1
