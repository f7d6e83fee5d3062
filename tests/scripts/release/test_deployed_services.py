"""The services on Cloud Run, read from the output of gcloud."""

import json
from typing import Any

import pytest

from scripts.release.deployed_services import DeployedService, describe_splits, read_services


def service(name: str = "users", *traffic: dict[str, Any], newest: str = "u2") -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "status": {
            "url": f"https://{name}.example",
            "latestCreatedRevisionName": "u2",
            "latestReadyRevisionName": newest,
            "traffic": list(traffic),
        },
    }


def target(revision: str, percent: int | None = None, tag: str | None = None) -> dict[str, Any]:
    shown: dict[str, Any] = {"revisionName": revision}
    if percent is not None:
        shown["percent"] = percent
    if tag is not None:
        shown |= {"tag": tag, "url": f"https://{tag}---users.example"}
    return shown


def read(*services: dict[str, Any]) -> dict[str, DeployedService]:
    return read_services(json.dumps(services))


def test_service_with_all_traffic_on_the_newest() -> None:
    [found] = read(service("users", target("u2", 100))).values()
    assert (found.serving, found.newest, found.is_ready) == ("u2", "u2", True)
    assert (found.has_candidate, found.candidate_url) == (False, None)
    assert found.address == "https://users.example"


def test_newest_without_traffic_is_a_candidate() -> None:
    tagged = target("u1", tag="other"), target("u2", tag="candidate")
    [found] = read(service("users", target("u1", 100), *tagged)).values()
    assert (found.serving, found.has_candidate) == ("u1", True)
    assert found.candidate_url == "https://candidate---users.example"


@pytest.mark.parametrize(
    ("traffic", "follows"),
    [
        ([{"latestRevision": True, **target("u2", 100)}], True),
        ([target("u2", 100)], False),
        ([target("u1", 100), {"latestRevision": True, **target("u2", tag="newest")}], False),
    ],
    ids=["latest", "pinned", "only a tag follows"],
)
def test_traffic_may_follow_the_newest(traffic: list[dict[str, Any]], follows: bool) -> None:
    assert read(service("users", *traffic))["users"].follows_newest is follows


def test_split_service_has_no_serving_revision() -> None:
    found = read(service("users", target("u1", 95), target("u2", 5)))
    assert (found["users"].serving, found["users"].has_candidate) == (None, False)
    assert describe_splits(found) == ["users: u1 95 %, u2 5 %"]
    assert describe_splits(read(service("users", target("u2", 100)))) == []


def test_percents_of_a_revision_are_added() -> None:
    tagged = target("u2", 10, tag="candidate"), target("u1", tag="old")
    assert read(service("users", target("u2", 90), *tagged))["users"].traffic == {"u2": 100}
    assert read(service("events"))["events"].traffic == {}


def test_service_with_unready_newest_is_not_ready() -> None:
    assert not read(service("users", target("u1", 100), newest="u1"))["users"].is_ready


def test_other_and_never_ready_services_are_omitted() -> None:
    broken = service("events")
    del broken["status"]["latestReadyRevisionName"]
    assert read(service("other", target("u2", 100)), broken) == {}


def test_services_have_a_fixed_order() -> None:
    found = read(service("cleanup", target("u2", 100)), service("users", target("u2", 100)))
    assert list(found) == ["users", "cleanup"]
