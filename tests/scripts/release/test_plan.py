"""What `./scripts/deploy plan` lets go, names and forgets, and what a plan is worth later."""

from dataclasses import replace
from typing import Any

import pytest

from scripts.release.release import Release, Service
from tests.scripts.cloud.deployed import IMAGE, deploy_everything, release, service
from tests.scripts.cloud.programs.cloud_run import host
from tests.scripts.cloud.programs.terraform import planned
from tests.scripts.conftest import Cloud

DEPLOY = ("deploy", "--environment=prod")
BUCKET, TOPIC = "google_storage_bucket.b", "google_pubsub_topic.t"


def test_each_resource_that_may_go_is_named(cloud: Cloud) -> None:
    deploy_everything(cloud)
    Release("prod", IMAGE).save(cloud.root)
    lost = [
        {"address": address, "type": address[:-2], "actions": ["delete"], "name": "n"}
        for address in (BUCKET, TOPIC)
    ]
    cloud.has(planned=lost)
    allowed = [f"--allow-destroying={address}" for address in (BUCKET, TOPIC)]
    assert cloud.run(*DEPLOY, "plan", *allowed).returncode == 0
    for one in allowed:
        done = cloud.run(*DEPLOY, "plan", one)
        assert (done.returncode, done.stdout.count("would be lost")) == (1, 1)


def test_a_new_plan_forgets_what_was_applied_before(cloud: Cloud) -> None:
    deploy_everything(cloud, planned=[planned("users", "update")])
    before = Release("prod", IMAGE, (), ("events",))
    tried = Service("https://a", "https://b", "events-00001", "events-00002")
    replace(before, services={"events": tried}).save(cloud.root)
    assert cloud.run(*DEPLOY, "plan").returncode == 0
    assert (release(cloud)["held"], release(cloud)["services"]) == (["users"], None)
    done = cloud.run(*DEPLOY, "smoke")
    assert (done.returncode, "first comes ./scripts/deploy" in done.stdout) == (1, True)


def test_what_was_sent_back_is_named(cloud: Cloud) -> None:
    deploy_everything(cloud, planned=[planned("users", "update")])
    back = [{"revisionName": "events-00001", "percent": 100}]
    events = service("events", revisions=["events-00001", "events-00002"], traffic=back)
    cloud.has(services={**cloud.state["services"], "events": events})
    Release("prod", IMAGE).save(cloud.root)
    said = cloud.run(*DEPLOY, "plan").stdout
    assert "\nevents was sent back in an earlier release, and is tried again\n" in said
    assert "\nevents, users: new revisions get no traffic until the canary\n" in said


def test_what_was_sent_back_is_not_tried_again_unasked(cloud: Cloud) -> None:
    deploy_everything(cloud)
    back = [{"revisionName": "chat-00001", "percent": 100}]
    chat = service("chat", revisions=["chat-00001", "chat-00002"], traffic=back)
    cloud.has(services={**cloud.state["services"], "chat": chat})
    Release("prod", IMAGE).save(cloud.root)
    assert "nothing is to change" in cloud.run(*DEPLOY, "plan").stdout
    done = cloud.run(*DEPLOY, "apply")
    assert (done.returncode, "no --yes; nothing was changed" in done.stdout) == (1, True)
    assert not any("update-traffic" in call for call in cloud.calls)


def test_a_service_that_is_gone_meanwhile_is_not_made_anew(cloud: Cloud) -> None:
    deploy_everything(cloud, planned=[planned("users", "update")])
    Release("prod", IMAGE).save(cloud.root)
    assert cloud.run(*DEPLOY, "plan").returncode == 0
    others = {name: each for name, each in cloud.state["services"].items() if name != "users"}
    cloud.has(services=others, planned=[planned("users", "create")])
    done = cloud.run(*DEPLOY, "apply", "--yes")
    assert (done.returncode, "change before, add now" in done.stdout) == (1, True)
    assert "users" not in cloud.state["services"]


@pytest.fixture
def agreed(cloud: Cloud) -> Cloud:
    """An environment where everything runs, and a plan for `users`."""
    deploy_everything(cloud, planned=[planned("users", "update")])
    Release("prod", IMAGE).save(cloud.root)
    assert cloud.run(*DEPLOY, "plan").returncode == 0
    return cloud


def meanwhile(cloud: Cloud, name: str, **state: Any) -> None:
    """Let another service have a revision more, and whatever else."""
    revisions = [f"{name}-00001", f"{name}-00002"]
    back = [{"revisionName": revisions[0], "percent": 100}]
    changed = service(name, revisions=revisions, traffic=back, **state)
    cloud.has(services={**cloud.state["services"], name: changed})


def test_what_is_tried_has_an_address_of_its_own(agreed: Cloud) -> None:
    users = service("users")
    del users["url"]  # the stack of the tests has the same for all revisions
    agreed.has(services={**agreed.state["services"], "users": users})
    assert agreed.run(*DEPLOY, "apply", "--yes").returncode == 0
    found = release(agreed)["services"]["users"]
    assert found["url"] == f"https://candidate---{host('users')}"
    assert found["address"] == f"https://{host('users')}"


def test_what_is_sent_back_after_the_plan_is_not_tried_again_by_it(agreed: Cloud) -> None:
    meanwhile(agreed, "chat")
    done = agreed.run(*DEPLOY, "apply", "--yes")
    assert (done.returncode, "chat-00002" in done.stdout) == (0, False), done.stdout
    found = release(agreed)["services"]["chat"]
    assert (found["old"], found["new"]) == ("chat-00001", "chat-00001")
    assert found["url"] == found["address"]


def test_what_of_others_does_not_start_does_not_end_a_release(agreed: Cloud) -> None:
    meanwhile(agreed, "chat", unready=True)
    done = agreed.run(*DEPLOY, "apply", "--yes")
    assert done.returncode == 0, done.stdout
