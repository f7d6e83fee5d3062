"""The search for emulators on different machines."""

from pathlib import Path

import pytest

from scripts.local.emulator import FIRESTORE, NotInstalledError

JAR = "cloud-firestore-emulator.jar"


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without gcloud, Java or emulators."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("FIREBASE_EMULATORS_PATH", raising=False)
    (tmp_path / "bin").mkdir()


def program(path: Path, output: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{output}' >&2\n")
    path.chmod(0o755)


def file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def java(tmp_path: Path, version: str = "17.0.15") -> None:
    program(tmp_path / "bin" / "java", f'openjdk version "{version}" 2025-04-15')


def test_missing_emulator_names_install_commands() -> None:
    with pytest.raises(NotInstalledError, match="gcloud components install") as caught:
        FIRESTORE.command(1, sdk_places=[])
    assert "\n" not in str(caught.value)


def test_emulator_is_found_beside_linked_gcloud(tmp_path: Path) -> None:
    java(tmp_path)
    program(tmp_path / "sdk" / "bin" / "gcloud")
    (tmp_path / "bin" / "gcloud").symlink_to(tmp_path / "sdk" / "bin" / "gcloud")
    jar = file(tmp_path / "sdk" / "platform" / "cloud-firestore-emulator" / JAR)
    command = FIRESTORE.command(8080, sdk_places=[])
    assert str(jar) in command
    assert "--port=8080" in command


def test_emulator_is_found_in_usual_sdk_folders(tmp_path: Path) -> None:
    java(tmp_path)
    jar = file(tmp_path / "sdk" / "platform" / "cloud-firestore-emulator" / JAR)
    assert str(jar) in FIRESTORE.command(1, sdk_places=["~/nothing", "~/sdk"])


def test_newest_emulator_of_firebase_tools_is_found(tmp_path: Path) -> None:
    java(tmp_path)
    cache = tmp_path / ".cache" / "firebase" / "emulators"
    for version in ("1.9.10", "1.19.9", "1.2.30"):
        file(cache / f"cloud-firestore-emulator-v{version}.jar")
    newest = str(cache / "cloud-firestore-emulator-v1.19.9.jar")
    assert newest in FIRESTORE.command(1, sdk_places=[])


@pytest.mark.parametrize(
    ("version", "expected"), [(None, "no Java found"), ("11.0.2", "too old"), ("1.8.0", "too old")]
)
def test_missing_or_old_java_is_reported(
    tmp_path: Path, version: str | None, expected: str
) -> None:
    file(tmp_path / ".cache" / "firebase" / "emulators" / "cloud-firestore-emulator-v1.jar")
    if version:
        java(tmp_path, version)
    with pytest.raises(NotInstalledError, match=expected):
        FIRESTORE.command(1, sdk_places=[])
