"""What runs on Cloud Run, as far as a release has to know."""

import json
from typing import Any

from scripts.release.running import Running, running, shared


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


def read(*services: dict[str, Any]) -> dict[str, Running]:
    return running(json.dumps(services))


def test_a_service_serves_with_its_newest_revision() -> None:
    [found] = read(service("users", target("u2", 100))).values()
    assert (found.serving, found.newest, found.is_ready) == ("u2", "u2", True)
    assert (found.is_behind, found.candidate) == (False, None)
    assert found.address == "https://users.example"


def test_one_that_was_sent_back_is_behind() -> None:
    tagged = target("u1", tag="other"), target("u2", tag="candidate")
    [found] = read(service("users", target("u1", 100), *tagged)).values()
    assert (found.serving, found.is_behind) == ("u1", True)
    assert found.candidate == "https://candidate---users.example"


def test_one_whose_traffic_is_shared_serves_with_none() -> None:
    found = read(service("users", target("u1", 95), target("u2", 5)))
    assert (found["users"].serving, found["users"].is_behind) == (None, False)
    assert shared(found) == ["users: u1 95 %, u2 5 %"]
    assert shared(read(service("users", target("u2", 100)))) == []


def test_a_revision_that_does_not_start_is_noticed() -> None:
    assert not read(service("users", target("u1", 100), newest="u1"))["users"].is_ready


def test_what_is_not_ours_or_has_never_been_ready_is_left_out() -> None:
    broken = service("events")
    del broken["status"]["latestReadyRevisionName"]
    assert read(service("other", target("u2", 100)), broken) == {}


def test_services_come_in_the_order_of_all() -> None:
    found = read(service("cleanup", target("u2", 100)), service("users", target("u2", 100)))
    assert list(found) == ["users", "cleanup"]
