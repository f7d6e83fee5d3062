"""`package` and `image`: the packages of all services, and the container image of the chat."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from scripts.cloud.command import RefusedError
from scripts.packaging.packages import read_package_list
from scripts.release.context import ReleaseContext
from scripts.release.release import Release
from scripts.root import ROOT

_TAG_DIGITS = 16


def package(context: ReleaseContext) -> None:
    """Build the package of every service."""
    context.runner.change("./scripts/package")


def image(context: ReleaseContext) -> None:
    """Build and push the image of the chat, unless the registry has this content.

    Starts a new release: the state of an earlier one is discarded.

    Raises:
        RefusedError: the chat has no package, or the registry lacks the pushed image.
    """
    archive, tag = _build_context(context)
    host = f"{context.environment.region}-docker.pkg.dev"
    repository = f"{host}/{context.environment.project}/images"
    digest = _digest(context, repository, tag)
    if digest is None:
        name = f"{repository}/chat:{tag}"
        run = context.runner.change
        run("gcloud", "auth", "configure-docker", host, "--quiet")
        # Cloud Run needs amd64, even if the building machine has another architecture.
        run("docker", "build", "--platform=linux/amd64", "--tag", name, "-", stdin=archive)
        run("docker", "push", name)
        digest = _digest(context, repository, tag)
    else:
        context.print(f"the registry has this content already: {tag}")
    if digest is None and not context.runner.is_dry:
        raise RefusedError(f"{repository} does not list the pushed image: run this command again")
    # By digest: a tag can move, and Terraform would not see the change.
    context.save(Release(context.environment.name, f"{repository}/chat@{digest}"))


def _build_context(context: ReleaseContext) -> tuple[Path, str]:
    """Return the archive to build the image from, and the tag for its content."""
    if context.runner.is_dry:
        return Path("build", "packages", "chat-<hash>.tar"), "<hash>"
    package = read_package_list(context.root).get("chat")
    if package is None:
        raise RefusedError(f"the chat has no package: run {context.stage_command('package')}")
    archive = Path(os.path.relpath(context.root / package["archive"], ROOT))
    return archive, package["sha256"][:_TAG_DIGITS]


def _digest(context: ReleaseContext, repository: str, tag: str) -> str | None:
    command = ("gcloud", "artifacts", "docker", "tags", "list", repository)
    tags: list[Mapping[str, str]] = json.loads(
        context.runner.read(*command, context.project_flag, "--format=json", if_dry="[]")
    )
    versions = [each["version"] for each in tags if each["tag"].endswith(f"/chat/tags/{tag}")]
    return versions[0].rpartition("/")[2] if versions else None
