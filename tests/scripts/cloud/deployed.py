"""An environment in which everything runs, and a release on its way."""

import json
from hashlib import sha256
from typing import Any

from scripts.fakes.settings import WEB_KEY
from scripts.local.ports import SERVICES, url
from tests import stack
from tests.scripts.conftest import NO_RELEASES, Cloud

IMAGES = "us-central1-docker.pkg.dev/liftlog-prod/images"
CONTEXT = b"what the chat's container is built from"
TAG = sha256(CONTEXT).hexdigest()[:16]
IMAGE = f"{IMAGES}/chat@sha256:{sha256(CONTEXT).hexdigest()}"


def service(name: str, **more: Any) -> dict[str, Any]:
    """Return a service with one revision, which the stack of the tests is behind."""
    return {
        "revisions": [f"{name}-00001"],
        "traffic": [{"latestRevision": True, "percent": 100}],
        "url": url(stack.current().of(name)),
        **more,
    }


def deploy_everything(cloud: Cloud, **state: Any) -> None:
    """Let everything run that there is."""
    cloud.has(services={name: service(name) for name in SERVICES}, objects=NO_RELEASES, **state)
    cloud.has(secrets={"web-auth-key": [{"data": WEB_KEY}]})


def package_chat(cloud: Cloud) -> None:
    """Leave a package of the chat, as `./scripts/package` does."""
    archive = "build/packages/chat.tar"
    (cloud.root / archive).parent.mkdir(parents=True, exist_ok=True)
    (cloud.root / archive).write_bytes(CONTEXT)
    packages = {"chat": {"archive": archive, "sha256": sha256(CONTEXT).hexdigest()}}
    (cloud.root / "build" / "packages.json").write_text(json.dumps(packages))


def release(cloud: Cloud) -> Any:
    """Return what the stages have told each other."""
    return json.loads((cloud.root / "build" / "release.json").read_text())


def serving(cloud: Cloud, name: str) -> dict[str, int]:
    """Return the shares of a service's revisions."""
    found = cloud.state["services"][name]
    newest = found["revisions"][-1]
    return {t.get("revisionName", newest): t["percent"] for t in found["traffic"] if "percent" in t}


def tags(cloud: Cloud, name: str) -> dict[str, str]:
    """Return the revisions of a service by their tags."""
    targets = cloud.state["services"][name]["traffic"]
    return {t["tag"]: t["revisionName"] for t in targets if "tag" in t}
