"""`package` and `image`: what is deployed of each service, and the container of the chat."""

import json
import os
from pathlib import Path
from typing import Any

from scripts.cloud.command import RefusedError
from scripts.packaging.packages import listed
from scripts.release.delivery import Delivery
from scripts.release.release import Release
from scripts.root import ROOT

_TAG_DIGITS = 16


def package(delivery: Delivery) -> None:
    """Package every service."""
    delivery.calls.change("./scripts/package")


def image(delivery: Delivery) -> None:
    """Build and push the chat's image, unless there is one of the same content.

    This begins a release: what was planned before is forgotten.

    Raises:
        RefusedError: there is no package of the chat.
    """
    archive, tag = _context(delivery)
    host = f"{delivery.environment.region}-docker.pkg.dev"
    repository = f"{host}/{delivery.environment.project}/images"
    digest = _digest(delivery, repository, tag)
    if digest is None:
        name = f"{repository}/chat:{tag}"
        calls = delivery.calls
        calls.change("gcloud", "auth", "configure-docker", host, "--quiet")
        calls.change("docker", "build", "--platform=linux/amd64", "--tag", name, "-", takes=archive)
        calls.change("docker", "push", name)
        digest = _digest(delivery, repository, tag)
    else:
        delivery.say(f"there is an image of this content already: {tag}")
    if digest is None and not delivery.calls.is_dry:
        raise RefusedError(f"{repository} does not list what was pushed to it: run this again")
    delivery.save(Release(delivery.environment.name, f"{repository}/chat@{digest}"))


def _context(delivery: Delivery) -> tuple[Path, str]:
    """Return what the image is built from, and the tag that it therefore has."""
    if delivery.calls.is_dry:
        return Path("build", "packages", "chat-<hash>.tar"), "<hash>"
    package = listed(delivery.root).get("chat")
    if package is None:
        raise RefusedError(f"the chat is not packaged: {delivery.command('package')}")
    archive = Path(os.path.relpath(delivery.root / package["archive"], ROOT))
    return archive, package["sha256"][:_TAG_DIGITS]


def _digest(delivery: Delivery, repository: str, tag: str) -> str | None:
    command = ("gcloud", "artifacts", "docker", "tags", "list", repository)
    tags: list[Any] = json.loads(
        delivery.calls.read(*command, delivery.project, "--format=json", if_dry="[]")
    )
    versions = [each["version"] for each in tags if each["tag"].endswith(f"/chat/tags/{tag}")]
    return versions[0].rpartition("/")[2] if versions else None
