"""What `./scripts/deploy plan` lets go, names and forgets, and what a plan is worth later."""

from dataclasses import replace

from scripts.operations.delivery.release import Release, Service
from tests.operations.conftest import Cloud
from tests.operations.deployed import IMAGE, deploy_everything, release, service
from tests.operations.programs.terraform import planned

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
