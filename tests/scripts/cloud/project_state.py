"""State of a project with all services, and of a release in progress."""

import json
from hashlib import sha256
from typing import Any

from scripts.fakes.settings import WEB_KEY
from scripts.local.ports import SERVICES, url
from tests import stack
from tests.scripts.conftest import NO_RELEASES, FakeCloud

IMAGES = "us-central1-docker.pkg.dev/liftlog-prod/images"
BUILD_CONTEXT = b"build context of the chat"
TAG = sha256(BUILD_CONTEXT).hexdigest()[:16]
IMAGE = f"{IMAGES}/chat@sha256:{sha256(BUILD_CONTEXT).hexdigest()}"
FOLLOWS_NEWEST = [{"latestRevision": True, "percent": 100}]
"""Traffic of a service that Terraform has just created."""


def pinned(revision: str, percent: int = 100) -> dict[str, Any]:
    """Return a traffic target that names its revision."""
    return {"revisionName": revision, "percent": percent}


def service(name: str, **state: Any) -> dict[str, Any]:
    """Return a service with one revision, whose address is the stack of the tests."""
    return {
        "revisions": [f"{name}-00001"],
        "traffic": [pinned(f"{name}-00001")],
        "url": url(stack.current().of(name)),
        **state,
    }


def rolled_back(name: str, **state: Any) -> dict[str, Any]:
    """Return a service whose newest revision has no traffic."""
    return service(name, revisions=[f"{name}-00001", f"{name}-00002"], **state)


def deploy_all(cloud: FakeCloud, **state: Any) -> None:
    """Deploy every service."""
    cloud.update(services={name: service(name) for name in SERVICES}, objects=NO_RELEASES, **state)
    cloud.update(secrets={"web-auth-key": [{"data": WEB_KEY}]})


def replace_services(cloud: FakeCloud, **services: dict[str, Any]) -> None:
    """Replace the state of some services."""
    cloud.update(services={**cloud.state["services"], **services})


def write_chat_package(cloud: FakeCloud) -> None:
    """Write the package of the chat like `./scripts/package`."""
    archive = "build/packages/chat.tar"
    (cloud.root / archive).parent.mkdir(parents=True, exist_ok=True)
    (cloud.root / archive).write_bytes(BUILD_CONTEXT)
    packages = {"chat": {"archive": archive, "sha256": sha256(BUILD_CONTEXT).hexdigest()}}
    (cloud.root / "build" / "packages.json").write_text(json.dumps(packages))


def read_release(cloud: FakeCloud) -> Any:
    """Return the saved state of the release."""
    return json.loads((cloud.root / "build" / "release.json").read_text())


def traffic_of(cloud: FakeCloud, name: str) -> dict[str, int]:
    """Return the percents of the revisions of a service."""
    found = cloud.state["services"][name]
    newest = found["revisions"][-1]
    return {t.get("revisionName", newest): t["percent"] for t in found["traffic"] if "percent" in t}


def tags_of(cloud: FakeCloud, name: str) -> dict[str, str]:
    """Return the tagged revisions of a service by tag."""
    targets = cloud.state["services"][name]["traffic"]
    return {t["tag"]: t["revisionName"] for t in targets if "tag" in t}
