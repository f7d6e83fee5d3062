"""`./scripts/deploy plan`: allowed losses, rolled back services, and plans that are out of date."""

from dataclasses import replace
from typing import Any

import pytest

from scripts.release.release import Release, Service
from tests.scripts.cloud.fake_programs.cloud_run import host
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
from tests.scripts.conftest import DEPLOY, FakeCloud

BUCKET, TOPIC = "google_storage_bucket.b", "google_pubsub_topic.t"
LOSS = {"address": BUCKET, "type": "google_storage_bucket", "actions": ["delete"], "name": "b"}


def test_each_destroyed_resource_must_be_allowed(cloud: FakeCloud) -> None:
    deploy_all(cloud)
    Release("prod", IMAGE).save(cloud.root)
    losses = [
        {"address": address, "type": address[:-2], "actions": ["delete"], "name": "n"}
        for address in (BUCKET, TOPIC)
    ]
    cloud.update(planned=losses)
    allowed = [f"--allow-destroying={address}" for address in (BUCKET, TOPIC)]
    assert cloud.run(*DEPLOY, "plan", *allowed).returncode == 0
    for one in allowed:
        done = cloud.run(*DEPLOY, "plan", one)
        assert (done.returncode, done.stdout.count("would be lost")) == (1, 1)


def test_new_plan_discards_an_earlier_apply(cloud: FakeCloud) -> None:
    deploy_all(cloud, planned=[planned("users", "update")])
    before = Release("prod", IMAGE, has_changes=True, serving={"events": "events-00001"})
    applied = Service("https://a", "https://b", "events-00001", "events-00002")
    replace(before, services={"events": applied}).save(cloud.root)
    assert cloud.run(*DEPLOY, "plan").returncode == 0
    saved = read_release(cloud)
    assert (saved["serving"], saved["services"]) == ({"users": "users-00001"}, None)
    done = cloud.run(*DEPLOY, "smoke")
    assert (done.returncode, "run ./scripts/deploy" in done.stdout) == (1, True)


def test_rolled_back_service_is_named(cloud: FakeCloud) -> None:
    deploy_all(cloud, planned=[planned("users", "update")])
    replace_services(cloud, events=rolled_back("events"))
    Release("prod", IMAGE).save(cloud.root)
    output = cloud.run(*DEPLOY, "plan").stdout
    assert "\nevents: events-00002 has no traffic from an earlier release; tested again\n" in output
    assert "\nevents, users: new revisions get no traffic before the canary\n" in output


def test_rolled_back_service_needs_confirmation(cloud: FakeCloud) -> None:
    deploy_all(cloud)
    replace_services(cloud, chat=rolled_back("chat"))
    Release("prod", IMAGE).save(cloud.root)
    assert "no changes" in cloud.run(*DEPLOY, "plan").stdout
    done = cloud.run(*DEPLOY, "apply")
    assert (done.returncode, "no --yes; nothing was changed" in done.stdout) == (1, True)
    assert not any("update-traffic" in each for each in cloud.commands)


def test_deleted_service_makes_the_plan_invalid(cloud: FakeCloud) -> None:
    deploy_all(cloud, planned=[planned("users", "update")])
    Release("prod", IMAGE).save(cloud.root)
    assert cloud.run(*DEPLOY, "plan").returncode == 0
    others = {name: each for name, each in cloud.state["services"].items() if name != "users"}
    cloud.update(services=others)
    done = cloud.run(*DEPLOY, "apply", "--yes")
    assert (done.returncode, "the traffic of users has changed" in done.stdout) == (1, True)
    assert "users" not in cloud.state["services"]


def test_refused_plan_keeps_the_pin(cloud: FakeCloud) -> None:
    deploy_all(cloud, planned=[LOSS])
    replace_services(cloud, users=service("users", traffic=FOLLOWS_NEWEST))
    Release("prod", IMAGE).save(cloud.root)
    for _ in range(2):
        assert cloud.run(*DEPLOY, "plan").returncode == 1
    assert cloud.state["services"]["users"]["traffic"] == [pinned("users-00001")]
    assert len([each for each in cloud.commands if "update-traffic" in each]) == 1


@pytest.fixture
def users_planned(cloud: FakeCloud) -> FakeCloud:
    """A project with all services, and a plan that updates `users`."""
    deploy_all(cloud, planned=[planned("users", "update")])
    Release("prod", IMAGE).save(cloud.root)
    assert cloud.run(*DEPLOY, "plan").returncode == 0
    return cloud


def test_refused_plan_invalidates_the_earlier_one(users_planned: FakeCloud) -> None:
    # The refused plan has replaced the plan file, so `apply` would destroy the resource.
    users_planned.update(planned=[LOSS])
    assert users_planned.run(*DEPLOY, "plan").returncode == 1
    done = users_planned.run(*DEPLOY, "apply", "--yes")
    assert "run ./scripts/deploy --environment prod plan first" in done.stdout
    assert not any("apply" in each for each in users_planned.commands)


def test_apply_without_tags_is_continued_by_the_next_plan(users_planned: FakeCloud) -> None:
    replace_services(users_planned, users=service("users", rejects_updates=True))
    assert users_planned.run(*DEPLOY, "apply", "--yes").returncode == 1
    assert users_planned.state["services"]["users"]["revisions"] == ["users-00001", "users-00002"]
    assert tags_of(users_planned, "users") == {}
    replace_services(users_planned, users=rolled_back("users", traffic=[pinned("users-00001")]))
    users_planned.update(planned=[])
    for stage in ("plan", "apply"):
        assert users_planned.run(*DEPLOY, stage, "--yes").returncode == 0
    assert tags_of(users_planned, "users") == {"candidate": "users-00002"}
    assert traffic_of(users_planned, "users") == {"users-00001": 100}


def deploy_and_roll_back(cloud: FakeCloud, name: str, **state: Any) -> None:
    """Add a revision without traffic to a service."""
    traffic = [pinned(f"{name}-00001")]
    replace_services(cloud, **{name: rolled_back(name, traffic=traffic, **state)})


def test_candidate_has_its_own_address(users_planned: FakeCloud) -> None:
    users = service("users")
    del users["url"]  # the stack of the tests has one address for all revisions
    replace_services(users_planned, users=users)
    assert users_planned.run(*DEPLOY, "apply", "--yes").returncode == 0
    found = read_release(users_planned)["services"]["users"]
    assert found["url"] == f"https://candidate---{host('users')}"
    assert found["address"] == f"https://{host('users')}"


def test_revision_after_the_plan_is_not_released(users_planned: FakeCloud) -> None:
    deploy_and_roll_back(users_planned, "chat")
    done = users_planned.run(*DEPLOY, "apply", "--yes")
    assert (done.returncode, "chat-00002" in done.stdout) == (0, False), done.stdout
    found = read_release(users_planned)["services"]["chat"]
    assert (found["old"], found["new"]) == ("chat-00001", "chat-00001")
    assert found["url"] == found["address"]


def test_broken_revision_of_another_release_is_ignored(users_planned: FakeCloud) -> None:
    deploy_and_roll_back(users_planned, "chat", unready=True)
    done = users_planned.run(*DEPLOY, "apply", "--yes")
    assert done.returncode == 0, done.stdout
