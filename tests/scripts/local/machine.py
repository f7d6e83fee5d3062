"""Programs and files of a machine, as a search finds them."""

from pathlib import Path


def program(path: Path, output: str = "") -> Path:
    """Create a program that prints `output` to stderr."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{output}' >&2\n")
    path.chmod(0o755)
    return path


def java_output(version: str) -> str:
    """Return the text that `java -version` prints."""
    return f'openjdk version "{version}" 2025-04-15'


def java(path: Path, version: str = "17.0.15") -> Path:
    """Create a program that prints its version as Java does."""
    return program(path, java_output(version))


def file(path: Path) -> Path:
    """Create an empty file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path
