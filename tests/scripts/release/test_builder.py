"""The image that Cloud Build's steps run in, as far as it can be read."""

import re

import pytest

from scripts.root import ROOT

INSTRUCTIONS = re.sub(
    r"^#.*\n", "", (ROOT / "infra" / "builder" / "Dockerfile").read_text(), flags=re.MULTILINE
).replace("\\\n", " ")
BASES = re.findall(r"^FROM (\S+)", INSTRUCTIONS, re.MULTILINE)


def test_every_base_is_pinned_and_comes_from_where_docker_looks_first() -> None:
    for base in BASES:
        name, _, tag = base.partition(":")
        assert re.search(r"\d", tag), base
        assert "." not in name, base


def test_terraform_is_the_version_that_is_tested() -> None:
    assert "hashicorp/terraform:1.11.4" in BASES


def test_the_last_base_has_the_emulators() -> None:
    assert re.fullmatch(r"google/cloud-sdk:[\d.]+-emulators", BASES[-1])


def test_what_is_copied_comes_from_a_stage_before() -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\w+)", INSTRUCTIONS, re.MULTILINE))
    copied = re.findall(r"^COPY --from=(\w+) ", INSTRUCTIONS, re.MULTILINE)
    assert set(copied) == stages


@pytest.mark.parametrize("program", ["git", "nodejs", "npm", "python3-venv"])
def test_it_has_what_the_tests_need(program: str) -> None:
    [line] = [line for line in INSTRUCTIONS.splitlines() if "apt-get install" in line]
    assert program in line.split()


def test_docker_is_of_one_version_everywhere() -> None:
    build = (ROOT / "cloudbuild.yaml").read_text()
    assert set(re.findall(r"\bdocker:(\S+)", build)) == {
        base.removeprefix("docker:") for base in BASES if base.startswith("docker:")
    }
