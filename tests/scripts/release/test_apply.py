"""`./scripts/deploy foundation`, `plan` and `apply`, against stand-ins for Terraform and gcloud."""

import json
from typing import Any

import pytest

from scripts.local.ports import url
from scripts.release.release import Release
from tests import stack
from tests.scripts.cloud.deployed import (
    IMAGE,
    deploy_everything,
    release,
    service,
    serving,
    tags,
)
from tests.scripts.cloud.programs.terraform import planned
from tests.scripts.cloud.terminal import talk
from tests.scripts.conftest import Cloud

DEPLOY = ("deploy", "--environment=prod")
DATABASE = {
    "address": "module.firestore.google_firestore_database.this",
    "type": "google_firestore_database",
    "actions": ["delete"],
    "name": "(default)",
}


@pytest.fixture
def begun(cloud: Cloud) -> Cloud:
    """An environment where everything runs, and a release that has its image."""
    deploy_everything(cloud)
    Release("prod", IMAGE).save(cloud.root)
    return cloud


def plan_and_apply(cloud: Cloud, *changes: dict[str, Any]) -> str:
    """Return what the last of both says, which is to succeed."""
    cloud.has(planned=list(changes))
    done = cloud.run(*DEPLOY, "plan")
    assert done.returncode == 0, done.stdout + done.stderr
    done = cloud.run(*DEPLOY, "apply", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def terraform(cloud: Cloud, command: str) -> list[list[str]]:
    """Return the calls of one of its commands."""
    return [call for call in cloud.calls if call[0] == "terraform" and command in call]


def test_a_plan_changes_nothing_and_says_what_would(begun: Cloud) -> None:
    topic = {"address": "t", "type": "google_pubsub_topic", "actions": ["create"], "name": "t"}
    begun.has(planned=[planned("users", "update"), topic])
    before = begun.state["services"]
    done = begun.run(*DEPLOY, "plan")
    assert done.returncode == 0, done.stdout
    assert begun.state["services"] == before
    assert "1 to add, 1 to change, 0 to replace, 0 to destroy" in done.stdout
    assert "users: new revisions get no traffic until the canary" in done.stdout
    assert done.stdout.endswith("next: ./scripts/deploy --environment prod apply\n")
    [call] = terraform(begun, "plan")
    assert f"-var=chat_image={IMAGE}" in call
    [prepared] = terraform(begun, "init")
    assert "-backend-config=bucket=liftlog-prod-terraform" in prepared


def test_a_plan_that_destroys_data_is_refused(begun: Cloud) -> None:
    begun.has(planned=[DATABASE])
    refused = begun.run(*DEPLOY, "plan")
    assert refused.returncode == 1
    assert f"{DATABASE['address']} would be lost (destroy)" in refused.stdout
    assert begun.run(*DEPLOY, "apply", "--yes").returncode == 1
    allowed = begun.run(*DEPLOY, "plan", "--allow-destroying", str(DATABASE["address"]))
    assert allowed.returncode == 0


def test_new_revisions_get_no_traffic_but_an_address(begun: Cloud) -> None:
    said = plan_and_apply(begun, planned("users", "update"), planned("chat", "update"))
    for name in ("users", "chat"):
        assert serving(begun, name) == {f"{name}-00001": 100}
        assert tags(begun, name) == {"candidate": f"{name}-00002"}
        found = release(begun)["services"][name]
        assert (found["old"], found["new"]) == (f"{name}-00001", f"{name}-00002")
    assert "users: users-00002 answers at http" in said
    words = [word for call in terraform(begun, "plan") for word in call]
    assert [word for word in words if "held" in word] == [
        "-var=held=[]",
        '-var=held=["chat", "users"]',
    ]


def test_what_does_not_change_is_left_alone(begun: Cloud) -> None:
    plan_and_apply(begun, planned("users", "update"))
    touched = {call[4] for call in begun.calls if "update-traffic" in call}
    assert touched == {"users"}
    found = release(begun)["services"]["events"]
    assert (found["old"], found["new"]) == ("events-00001", "events-00001")
    assert found["url"] == url(stack.current().of("events"))


def test_where_a_change_makes_no_revision_there_is_nothing_to_try(begun: Cloud) -> None:
    begun.has(makes_no_revision=True)
    plan_and_apply(begun, planned("users", "update"))
    assert tags(begun, "users") == {}
    found = release(begun)["services"]["users"]
    assert (found["old"], found["new"]) == ("users-00001", "users-00001")


def test_a_service_that_is_new_serves_at_once(begun: Cloud) -> None:
    begun.has(services={"users": service("users")})
    plan_and_apply(begun, planned("events", "create"))
    assert serving(begun, "events") == {"events-00001": 100}
    found = release(begun)["services"]["events"]
    assert (found["old"], found["new"]) == (None, "events-00001")


def test_created_function_is_pinned_in_its_first_canary(begun: Cloud) -> None:
    begun.has(services={"users": service("users")})
    plan_and_apply(begun, planned("events", "create"))
    assert begun.state["services"]["events"]["traffic"] == [
        {"latestRevision": True, "percent": 100}
    ]
    begun.has(calls=[])
    plan_and_apply(begun, planned("events", "update"))
    assert serving(begun, "events") == {"events-00001": 100}
    assert tags(begun, "events") == {"candidate": "events-00002"}
    pinned = "--to-revisions=events-00001=100"
    steps = [
        next(word for word in call if word in {pinned, "apply"})
        for call in begun.calls
        if {pinned, "apply"} & {*call}
    ]
    assert steps == [pinned, "apply"]


def test_changes_of_no_service_are_applied(begun: Cloud) -> None:
    alert = {"address": "a", "type": "google_monitoring_alert_policy", "actions": ["update"]}
    plan_and_apply(begun, {**alert, "name": "errors"})
    assert len(terraform(begun, "apply")) == 1


def test_without_changes_nothing_is_applied(begun: Cloud) -> None:
    assert "nothing is to be applied" in plan_and_apply(begun)
    assert terraform(begun, "apply") == []
    assert release(begun)["services"].keys() == begun.state["services"].keys()


def test_what_was_sent_back_is_tried_again(begun: Cloud) -> None:
    back = [{"revisionName": "x-00001", "percent": 100}]
    revisions = ["x-00001", "x-00002"]
    sent_back = {
        name: json.loads(json.dumps({"revisions": revisions, "traffic": back}).replace("x", name))
        for name in ("events", "chat")
    }
    begun.has(services={**begun.state["services"], **sent_back})
    said = plan_and_apply(begun, planned("users", "update"))
    assert "this is not what was planned" not in said
    for name in ("users", "events", "chat"):
        assert serving(begun, name) == {f"{name}-00001": 100}
        assert tags(begun, name) == {"candidate": f"{name}-00002"}


def test_nobody_deploys_into_the_canary_of_another(begun: Cloud) -> None:
    shares = [("users-00001", 95), ("users-00002", 5)]
    traffic = [{"revisionName": name, "percent": percent} for name, percent in shares]
    users = service("users", revisions=["users-00001", "users-00002"], traffic=traffic)
    begun.has(planned=[planned("events", "update")])
    assert begun.run(*DEPLOY, "plan").returncode == 0
    begun.has(services={**begun.state["services"], "users": users})
    for stage in ("plan", "apply"):
        done = begun.run(*DEPLOY, stage, "--yes")
        assert done.returncode == 1
        assert "another release is under way" in done.stdout
        assert "users: users-00001 95 %, users-00002 5 %" in done.stdout
    assert terraform(begun, "apply") == []


def test_what_is_not_as_planned_is_not_applied(begun: Cloud) -> None:
    begun.has(planned=[planned("users", "update")], planned_if_held=[planned("events", "update")])
    begun.run(*DEPLOY, "plan")
    done = begun.run(*DEPLOY, "apply", "--yes")
    assert done.returncode == 1
    assert "this is not what was planned before" in done.stdout
    assert "nothing before, change now" in done.stdout
    assert "users stays with users-00001" in done.stdout
    assert terraform(begun, "apply") == []


def test_data_that_only_the_second_plan_destroys_is_kept(begun: Cloud) -> None:
    begun.has(planned=[planned("users", "update")])
    begun.has(planned_if_held=[planned("users", "update"), DATABASE])
    begun.run(*DEPLOY, "plan")
    done = begun.run(*DEPLOY, "apply", "--yes")
    assert (done.returncode, "would be lost" in done.stdout) == (1, True)
    assert terraform(begun, "apply") == []


def test_what_breaks_off_says_where_it_is_and_the_next_release_goes_on(begun: Cloud) -> None:
    changes = [planned("users", "update"), planned("events", "update")]
    begun.has(planned=changes, breaks_off=True)
    begun.run(*DEPLOY, "plan")
    done = begun.run(*DEPLOY, "apply", "--yes")
    assert done.returncode == 1
    assert "users stays with users-00001\nNo traffic was moved." in done.stdout
    assert "events stays with events-00001" in done.stdout
    assert "./scripts/deploy --environment prod goes on from here" in done.stdout
    assert serving(begun, "users") == {"users-00001": 100}
    begun.has(breaks_off=False)
    plan_and_apply(begun, planned("events", "update"))
    assert tags(begun, "users") == {"candidate": "users-00002"}
    assert tags(begun, "events") == {"candidate": "events-00002"}


def test_traffic_that_moves_by_itself_is_noticed(begun: Cloud) -> None:
    begun.has(planned=[planned("users", "update")], ignores_held=True)
    begun.run(*DEPLOY, "plan")
    done = begun.run(*DEPLOY, "apply", "--yes")
    assert done.returncode == 1
    assert "the traffic of users has moved by itself" in done.stdout
    assert "  ./scripts/rollback --environment prod users --to users-00001\n" in done.stdout


def test_a_revision_that_does_not_start_is_noticed(begun: Cloud) -> None:
    begun.has(planned=[planned("users", "update")])
    begun.has(services={**begun.state["services"], "users": service("users", unready=True)})
    begun.run(*DEPLOY, "plan")
    done = begun.run(*DEPLOY, "apply", "--yes")
    assert done.returncode == 1
    assert "the newest revision of users does not start" in done.stdout


def test_a_release_of_another_environment_is_not_gone_on_with(begun: Cloud) -> None:
    (begun.folder / "dev.tfvars").write_text('project = "liftlog-dev"\nregion = "us-central1"\n')
    done = begun.run("deploy", "--environment=dev", "plan")
    assert done.returncode == 1
    assert "build/ has for prod: ./scripts/deploy --environment dev image" in done.stdout


def test_a_stage_that_was_left_out_is_named(begun: Cloud) -> None:
    done = begun.run(*DEPLOY, "apply", "--yes")
    assert "first comes ./scripts/deploy --environment prod plan" in done.stdout
    assert (
        "first comes ./scripts/deploy --environment prod apply"
        in begun.run(*DEPLOY, "canary").stdout
    )


def test_without_a_terminal_nothing_is_applied_unasked(begun: Cloud) -> None:
    begun.has(planned=[planned("users", "update")])
    begun.run(*DEPLOY, "plan")
    done = begun.run(*DEPLOY, "apply", given="y\n")
    assert (done.returncode, "no --yes; nothing was changed" in done.stdout) == (1, True)
    assert [call for call in begun.calls if "update-traffic" in call] == []


@pytest.mark.parametrize(("answer", "is_applied"), [("y", True), ("n", False)])
def test_at_a_terminal_it_asks(begun: Cloud, answer: str, is_applied: bool) -> None:
    begun.has(planned=[planned("users", "update")])
    begun.run(*DEPLOY, "plan")
    status, shown = talk(begun, *DEPLOY, "apply", answers=[answer])
    assert (status == 0, bool(terraform(begun, "apply"))) == (is_applied, is_applied), shown
    assert "Apply this to liftlog-prod? [y/N]" in shown


def test_the_foundation_is_made_before_there_is_anything(cloud: Cloud) -> None:
    registry = "google_artifact_registry_repository"
    made = {"address": f"{registry}.images", "type": registry, "actions": ["create"], "name": ""}
    cloud.has(planned=[made])
    done = cloud.run(*DEPLOY, "foundation", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 to add" in done.stdout
    assert "./scripts/secrets --environment prod set NAME" in done.stdout
    [call] = terraform(cloud, "plan")
    targets = {word for word in call if word.startswith("-target=")}
    assert f"-target={registry}.images" in targets
    assert len(terraform(cloud, "apply")) == 1
    again = cloud.run(*DEPLOY, "foundation", "--yes")
    assert "nothing is to change" in again.stdout
    assert len(terraform(cloud, "apply")) == 1
