"""The search for Java on different machines."""

from pathlib import Path

import pytest

from scripts.local.java import IN_PACKAGE, find_java
from tests.scripts.local.machine import java, program


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The folder where the project installs Java."""
    return tmp_path / "installed"


def test_java_of_the_path_is_found_first(bare_machine: Path, installed: Path) -> None:
    java(installed / "java-25.0.2.1" / IN_PACKAGE, "25.0.2")
    system = java(bare_machine / "java", "21.0.1")
    assert find_java(17, installed) == find_java(21, installed) == system


@pytest.mark.usefixtures("bare_machine")
def test_java_of_the_project_is_found(installed: Path) -> None:
    own = java(installed / "java-25.0.2.1" / IN_PACKAGE, "25.0.2")
    assert find_java(17, installed) == own


@pytest.mark.parametrize("version", ["17.0.15", "11.0.2", "1.8.0"])
def test_older_java_is_ignored(bare_machine: Path, installed: Path, version: str) -> None:
    java(bare_machine / "java", version)
    assert find_java(21, installed) is None
    own = java(installed / "java-25.0.2.1" / IN_PACKAGE, "25.0.2")
    assert find_java(21, installed) == own


def test_program_without_version_is_ignored(bare_machine: Path, installed: Path) -> None:
    program(bare_machine / "java", "Unable to locate a Java Runtime.")
    assert find_java(17, installed) is None
