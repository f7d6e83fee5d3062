"""`./scripts/deploy image` and `scan`, against stand-ins for Docker and pip-audit."""

import pytest

from scripts.local.ports import SERVICES
from tests.scripts.cloud.deployed import IMAGE, IMAGES, TAG, package_chat, release
from tests.scripts.conftest import Cloud

DEPLOY = ("deploy", "--environment=prod")


def test_the_image_is_built_from_the_package_and_known_by_its_digest(cloud: Cloud) -> None:
    package_chat(cloud)
    done = cloud.run(*DEPLOY, "image")
    assert done.returncode == 0, done.stdout
    assert cloud.state["images"] == {f"{IMAGES}/chat:{TAG}": IMAGE.partition("@")[2]}
    assert cloud.state["docker_knows"] == "us-central1-docker.pkg.dev"
    assert release(cloud)["image"] == IMAGE
    assert done.stdout.endswith("next: ./scripts/deploy --environment prod plan\n")


def test_an_image_of_the_same_content_is_not_built_again(cloud: Cloud) -> None:
    package_chat(cloud)
    cloud.run(*DEPLOY, "image")
    again = cloud.run(*DEPLOY, "image")
    assert again.returncode == 0
    assert f"there is an image of this content already: {TAG}" in again.stdout
    assert [call[1] for call in cloud.calls if call[0] == "docker"] == ["build", "push"]
    assert release(cloud)["image"] == IMAGE


def test_another_image_or_tag_is_not_taken_for_the_chats(cloud: Cloud) -> None:
    package_chat(cloud)
    cloud.has(images={f"{IMAGES}/other:{TAG}": "sha256:0", f"{IMAGES}/chat:{TAG}0": "sha256:1"})
    cloud.run(*DEPLOY, "image")
    assert release(cloud)["image"] == IMAGE


def test_an_image_that_is_not_listed_is_not_released(cloud: Cloud) -> None:
    package_chat(cloud)
    cloud.has(pushes_nowhere=True)
    done = cloud.run(*DEPLOY, "image")
    assert done.returncode == 1
    assert f"{IMAGES} does not list what was pushed to it: run this again" in done.stdout
    assert not (cloud.root / "build" / "release.json").exists()


def test_an_image_that_cannot_be_built_is_not_released(cloud: Cloud) -> None:
    package_chat(cloud)
    (cloud.folder / "docker").write_text("#!/bin/sh\nexit 3\n")
    done = cloud.run(*DEPLOY, "image")
    assert done.returncode == 1
    assert "that did not work: failed with status 3: docker build" in done.stdout
    assert not (cloud.root / "build" / "release.json").exists()


def test_an_image_begins_a_new_release(cloud: Cloud) -> None:
    package_chat(cloud)
    (cloud.root / "build" / "release.json").write_text('{"services": {"users": {}}}')
    cloud.run(*DEPLOY, "image")
    assert (release(cloud)["changes"], release(cloud)["services"]) == (None, None)


def test_without_a_package_there_is_no_image(cloud: Cloud) -> None:
    done = cloud.run(*DEPLOY, "image")
    assert done.returncode == 1
    assert "the chat is not packaged: ./scripts/deploy --environment prod package" in done.stdout


def test_every_pinned_package_is_scanned_as_it_is_pinned(cloud: Cloud) -> None:
    done = cloud.run(*DEPLOY, "scan")
    assert done.returncode == 0, done.stdout
    [call] = cloud.calls
    assert {"--require-hashes", "--disable-pip", "--strict"} <= set(call)
    assert [word for word in call if "requirements.txt" in word] == [
        f"--requirement=functions/{name}/requirements.txt" for name in SERVICES
    ]


def test_a_hole_ends_the_release(cloud: Cloud) -> None:
    cloud.has(holes=["starlette 1.0 GHSA-0000"])
    done = cloud.run(*DEPLOY, "scan")
    assert done.returncode == 1
    assert "starlette 1.0 GHSA-0000" in done.stdout
    assert "./scripts/lock --upgrade" in done.stdout


@pytest.mark.parametrize("stage", ["plan", "apply", "smoke", "canary"])
def test_what_comes_later_does_not_come_first(cloud: Cloud, stage: str) -> None:
    done = cloud.run(*DEPLOY, stage, "--yes")
    assert done.returncode == 1
    assert "build/ has nothing: ./scripts/deploy --environment prod image" in done.stdout
    assert cloud.state == {}
