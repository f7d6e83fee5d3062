"""The search for emulators on different machines, and their first commit."""

from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from scripts.local.emulator import (
    FIRESTORE,
    PUBSUB,
    Emulator,
    NotInstalledError,
    Places,
    WarmUpError,
    warm_up,
)
from scripts.local.java import IN_PACKAGE
from scripts.local.ports import HOST
from scripts.local.stack import free_ports
from tests.emulators import emulators
from tests.loopback import served
from tests.scripts.local.machine import file, java, program

IN_SDK = Path("platform", "cloud-firestore-emulator", "cloud-firestore-emulator.jar")
IN_CACHE = Path(".cache", "firebase", "emulators")


@pytest.fixture
def places(bare_machine: Path, tmp_path: Path) -> Places:
    """The places of a machine without programs."""
    return Places(sdks=["~/nothing", "~/sdk"], installed=tmp_path / "installed")


@pytest.mark.parametrize("emulator", [FIRESTORE, PUBSUB], ids=["firestore", "pubsub"])
def test_missing_emulator_names_install_commands(places: Places, emulator: Emulator) -> None:
    with pytest.raises(NotInstalledError) as caught:
        emulator.command(1, places)
    message = str(caught.value)
    assert "\n" not in message
    found, _, next_steps = message.partition("; ")
    assert found == f"no {emulator.title} emulator found"
    assert next_steps.startswith("run './scripts/emulators install'")
    assert f"gcloud components install {emulator.component}" in next_steps


def test_emulator_is_found_beside_linked_gcloud(
    places: Places, bare_machine: Path, tmp_path: Path
) -> None:
    own = java(bare_machine / "java")
    (bare_machine / "gcloud").symlink_to(program(tmp_path / "elsewhere" / "bin" / "gcloud"))
    jar = file(tmp_path / "elsewhere" / IN_SDK)
    command = FIRESTORE.command(8080, places)
    assert command[:3] == [str(own), "-cp", str(jar)]
    assert "--port=8080" in command


def test_emulators_are_found_in_order_of_places(places: Places, tmp_path: Path) -> None:
    assert FIRESTORE.find(places) is None
    installed = file(places.installed / "cloud-firestore-emulator-v1.30.0.jar")
    assert FIRESTORE.find(places) == installed
    cached = file(tmp_path / IN_CACHE / "cloud-firestore-emulator-v1.19.9.jar")
    assert FIRESTORE.find(places) == cached
    in_sdk = file(tmp_path / "sdk" / IN_SDK)
    assert FIRESTORE.find(places) == in_sdk


def test_newest_emulator_of_firebase_tools_is_found(places: Places, tmp_path: Path) -> None:
    cache = tmp_path / IN_CACHE
    for version in ("1.9.10", "1.19.9", "1.2.30"):
        file(cache / f"cloud-firestore-emulator-v{version}.jar")
    assert FIRESTORE.find(places) == cache / "cloud-firestore-emulator-v1.19.9.jar"


@pytest.mark.parametrize("version", [None, "11.0.2", "1.8.0"])
def test_missing_or_old_java_is_reported(
    places: Places, bare_machine: Path, tmp_path: Path, version: str | None
) -> None:
    file(tmp_path / "sdk" / IN_SDK)
    if version:
        java(bare_machine / "java", version)
    expected = "no Java 17 or newer found; run './scripts/emulators install'"
    with pytest.raises(NotInstalledError, match=expected):
        FIRESTORE.command(1, places)


def test_installed_emulator_needs_newer_java(places: Places, bare_machine: Path) -> None:
    file(places.installed / "cloud-firestore-emulator-v1.22.0.jar")
    java(bare_machine / "java", "17.0.15")
    with pytest.raises(NotInstalledError, match="no Java 21 or newer found"):
        FIRESTORE.command(1, places)
    own = java(places.installed / "java-25.0.2.1" / IN_PACKAGE, "25.0.2")
    assert FIRESTORE.command(1, places)[0] == str(own)


@pytest.mark.firestore
def test_warm_up_of_an_emulator_leaves_no_document() -> None:
    emulator = emulators().firestore
    warm_up(emulator, "warm-up")
    documents = f"http://{emulator}/v1/projects/warm-up/databases/(default)/documents"
    assert httpx.get(f"{documents}/warm_up", timeout=60).json() == {}


def test_warm_up_writes_and_deletes_one_document() -> None:
    commits: list[dict[str, object]] = []

    async def emulator(scope: Scope, receive: Receive, send: Send) -> None:
        commits.append(await Request(scope, receive).json())
        await JSONResponse({})(scope, receive, send)

    with served(emulator) as url:
        warm_up(url.removeprefix("http://"), "liftlog-local")
    name = "projects/liftlog-local/databases/(default)/documents/warm_up/1"
    assert [commit["writes"] for commit in commits] == [
        [{"update": {"name": name, "fields": {}}}],
        [{"delete": name}],
    ]


def test_warm_up_reports_another_server() -> None:
    with served(Response(status_code=404)) as url:
        host = url.removeprefix("http://")
        with pytest.raises(WarmUpError, match=f"{host} failed a commit: .*404") as caught:
            warm_up(host, "liftlog-local")
    assert "\n" not in str(caught.value)


def test_warm_up_reports_a_missing_server() -> None:
    nowhere = f"{HOST}:{free_ports().firestore}"
    with pytest.raises(WarmUpError, match=f"{nowhere} failed a commit"):
        warm_up(nowhere, "liftlog-local")
