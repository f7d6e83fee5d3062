"""`./scripts/deploy image` and `scan`, with fakes of Docker and pip-audit."""

import pytest

from scripts.local.ports import SERVICES
from tests.scripts.cloud.project_state import (
    IMAGE,
    IMAGES,
    TAG,
    read_release,
    write_chat_package,
)
from tests.scripts.conftest import DEPLOY, FakeCloud


def test_image_is_built_and_named_by_digest(cloud: FakeCloud) -> None:
    write_chat_package(cloud)
    done = cloud.run(*DEPLOY, "image")
    assert done.returncode == 0, done.stdout
    assert cloud.state["images"] == {f"{IMAGES}/chat:{TAG}": IMAGE.partition("@")[2]}
    assert cloud.state["docker_host"] == "us-central1-docker.pkg.dev"
    assert read_release(cloud)["image"] == IMAGE
    assert done.stdout.endswith("next: ./scripts/deploy --environment prod plan\n")


def test_same_content_is_not_built_again(cloud: FakeCloud) -> None:
    write_chat_package(cloud)
    cloud.run(*DEPLOY, "image")
    again = cloud.run(*DEPLOY, "image")
    assert again.returncode == 0
    assert f"the registry has this content already: {TAG}" in again.stdout
    assert [each[1] for each in cloud.commands if each[0] == "docker"] == ["build", "push"]
    assert read_release(cloud)["image"] == IMAGE


def test_other_images_and_tags_are_ignored(cloud: FakeCloud) -> None:
    write_chat_package(cloud)
    cloud.update(images={f"{IMAGES}/other:{TAG}": "sha256:0", f"{IMAGES}/chat:{TAG}0": "sha256:1"})
    cloud.run(*DEPLOY, "image")
    assert read_release(cloud)["image"] == IMAGE


def test_unlisted_image_is_not_released(cloud: FakeCloud) -> None:
    write_chat_package(cloud)
    cloud.update(registry_drops_pushes=True)
    done = cloud.run(*DEPLOY, "image")
    assert done.returncode == 1
    assert f"{IMAGES} does not list the pushed image: run this command again" in done.stdout
    assert not (cloud.root / "build" / "release.json").exists()


def test_failed_build_is_not_released(cloud: FakeCloud) -> None:
    write_chat_package(cloud)
    (cloud.folder / "docker").write_text("#!/bin/sh\nexit 3\n")
    done = cloud.run(*DEPLOY, "image")
    assert done.returncode == 1
    assert "error: failed with status 3: docker build" in done.stdout
    assert not (cloud.root / "build" / "release.json").exists()


def test_image_starts_a_new_release(cloud: FakeCloud) -> None:
    write_chat_package(cloud)
    (cloud.root / "build" / "release.json").write_text('{"services": {"users": {}}}')
    cloud.run(*DEPLOY, "image")
    saved = read_release(cloud)
    assert (saved["has_changes"], saved["services"]) == (None, None)


def test_image_needs_a_package(cloud: FakeCloud) -> None:
    done = cloud.run(*DEPLOY, "image")
    assert done.returncode == 1
    assert "the chat has no package: run ./scripts/deploy --environment prod package" in done.stdout


def test_scan_checks_the_pinned_packages(cloud: FakeCloud) -> None:
    done = cloud.run(*DEPLOY, "scan")
    assert done.returncode == 0, done.stdout
    [command] = cloud.commands
    assert {"--require-hashes", "--disable-pip", "--strict"} <= set(command)
    assert [word for word in command if "requirements.txt" in word] == [
        f"--requirement=functions/{name}/requirements.txt" for name in SERVICES
    ]


def test_vulnerability_ends_the_release(cloud: FakeCloud) -> None:
    cloud.update(vulnerabilities=["starlette 1.0 GHSA-0000"])
    done = cloud.run(*DEPLOY, "scan")
    assert done.returncode == 1
    assert "starlette 1.0 GHSA-0000" in done.stdout
    assert "./scripts/lock --upgrade" in done.stdout


@pytest.mark.parametrize("stage", ["plan", "apply", "smoke", "canary"])
def test_later_stages_need_an_image(cloud: FakeCloud, stage: str) -> None:
    done = cloud.run(*DEPLOY, stage, "--yes")
    assert done.returncode == 1
    expected = "build/ has no release: start with ./scripts/deploy --environment prod image"
    assert expected in done.stdout
    assert cloud.state == {}
