"""The image of Cloud Build's steps, checked by its Dockerfile."""

import re

import pytest

from scripts.root import ROOT

INSTRUCTIONS = re.sub(
    r"^#.*\n", "", (ROOT / "infra" / "builder" / "Dockerfile").read_text(), flags=re.MULTILINE
).replace("\\\n", " ")
BASES = re.findall(r"^FROM (\S+)", INSTRUCTIONS, re.MULTILINE)


def test_base_images_are_pinned_and_public() -> None:
    for base in BASES:
        name, _, tag = base.partition(":")
        assert re.search(r"\d", tag), base
        assert "." not in name, base


def test_terraform_version_is_the_tested_one() -> None:
    assert "hashicorp/terraform:1.11.4" in BASES


def test_last_base_image_contains_the_emulators() -> None:
    assert re.fullmatch(r"google/cloud-sdk:[\d.]+-emulators", BASES[-1])


def test_copied_files_come_from_earlier_stages() -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\w+)", INSTRUCTIONS, re.MULTILINE))
    copied = re.findall(r"^COPY --from=(\w+) ", INSTRUCTIONS, re.MULTILINE)
    assert set(copied) == stages


@pytest.mark.parametrize("program", ["git", "nodejs", "npm", "python3-venv"])
def test_image_installs_the_programs_of_the_tests(program: str) -> None:
    [line] = [line for line in INSTRUCTIONS.splitlines() if "apt-get install" in line]
    assert program in line.split()


def test_docker_has_one_version_everywhere() -> None:
    build = (ROOT / "cloudbuild.yaml").read_text()
    assert set(re.findall(r"\bdocker:(\S+)", build)) == {
        base.removeprefix("docker:") for base in BASES if base.startswith("docker:")
    }
