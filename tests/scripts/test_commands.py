"""The commands as developers run them."""

import os
import shutil
import signal
import socket
import subprocess
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

from scripts.client import journey
from scripts.local import dev
from scripts.local.ports import HOST, SERVICES, url
from scripts.local.stack import OWN_EMULATORS, Stack, addresses, free_ports
from scripts.root import ROOT
from scripts.stand_ins.settings import WEB_KEY
from tests import in_process
from tests.stack import current, said

get = partial(httpx.get, timeout=60)


def run(
    command: str, *options: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one of the commands to its end."""
    return subprocess.run(
        [ROOT / "scripts" / command, *options],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def started_by(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def runs(process: psutil.Process) -> bool:
    """Whether it runs: one that ended may still be listed until somebody asks for its status."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    ("options", "number"),
    [((), signal.SIGINT), ((), signal.SIGHUP), (("--isolated",), signal.SIGTERM)],
    ids=["one process, ctrl-c", "one process, closed terminal", "isolated, term"],
)
def test_the_stack_starts_serves_a_journey_and_ends_with_all_its_children(
    options: tuple[str, ...], number: signal.Signals
) -> None:
    # The environment's emulator is another stack's: this one starts its own.
    with Stack(*options, environment=OWN_EMULATORS) as own:
        where = addresses(own.ports).items() if options else [("", url(own.ports.base))]
        where_all_is = [f"{name}={at}" if name else at for name, at in where]
        played = run("journey", "--purchase-token", f"Web {WEB_KEY}", *where_all_is)
        assert played.returncode == 0, played.stdout
        assert "All 35 steps went as they should." in played.stdout
        if not options:
            for name in SERVICES:
                assert get(url(own.ports.of(name)) + "/v2/health").text == "healthy"
                ready = get(url(own.ports.of(name)) + "/health/ready")
                everything = get(url(own.ports.base) + "/health/ready")
                assert ready.status_code == everything.status_code == 200
                assert ready.json() == everything.json() == {"status": "ready", "dependencies": {}}
            assert get(url(own.ports.of("users")) + "/v2/inbox").status_code == 404
            assert get(url(own.ports.base) + "/v2/inbox").status_code == 405
            assert get(url(own.ports.base) + "//V2/Inbox/").status_code == 405
        shutil.copy(own.log, said())
        children = started_by(own.pid)
        assert any("CloudFirestore" in " ".join(child.cmdline()) for child in children)
        assert own.stop(number) == 0
        _, left_behind = psutil.wait_procs(children, timeout=60)
        assert not [child for child in left_behind if runs(child)]


def test_an_emulator_and_settings_that_are_there_already_are_used(tmp_path: Path) -> None:
    emulator = f"{HOST}:{current().firestore}"
    settings = tmp_path / ".env"
    settings.write_text("WEB_AUTH_KEY=SECRET-of-a-developer\nTEST_MODE=nonsense\n")
    environment = {"FIRESTORE_EMULATOR_HOST": emulator, "TEST_MODE": "True"}
    with Stack("--env-file", str(settings), environment=environment) as own:
        assert not any("CloudFirestore" in " ".join(c.cmdline()) for c in started_by(own.pid))
        assert any(f"{emulator} (already running)" in line for line in own.said)
        user = httpx.post(url(own.ports.base) + "/user/create", json={}, timeout=60).json()
        same = get(f"{url(current().of('users'))}/user/{user['id']}")
        assert same.status_code == 200
        for key, status in (("SECRET-of-a-developer", 400), (WEB_KEY, 401)):
            answer = httpx.post(
                url(own.ports.base) + "/ai/session",
                json={},
                headers={"Authorization": f"Web {key}"},
                timeout=60,
            )
            assert answer.status_code == status
        assert not any("SECRET" in line or WEB_KEY in line for line in own.said)


def test_an_emulator_that_does_not_answer_is_said_so_in_one_line() -> None:
    ports = free_ports()
    nowhere = f"{HOST}:{ports.firestore}"
    environment = {"FIRESTORE_EMULATOR_HOST": nowhere}
    refused = in_process.run(
        dev.main, "--port", str(ports.base), environment={**os.environ, **environment}
    )
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert f"no emulator answers at {nowhere}" in line


@pytest.mark.parametrize("port", ["0", "80", "65530", "70000", "x"])
def test_a_port_that_cannot_be_one_is_refused(port: str) -> None:
    refused = in_process.run(dev.main, "--port", port)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


def test_a_file_of_settings_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    refused = in_process.run(dev.main, "--env-file", str(tmp_path / "nowhere"))
    assert refused.returncode == 2
    assert "there is no file" in refused.stderr


@pytest.mark.parametrize(
    "command", ["benchmark", "chat", "dev", "journey", "lock", "package", "test"]
)
def test_every_command_tells_what_it_is_for(command: str) -> None:
    helped = run(command, "--help")
    assert helped.returncode == 0
    assert 1 <= len(helped.stdout.splitlines()) < 50


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("user=http://127.0.0.1:1",),
        ("users=http://127.0.0.1:1",),
        ("http://127.0.0.1:1", "http://127.0.0.1:2"),
    ],
    ids=["no url", "no function", "too few", "too many"],
)
def test_a_journey_to_a_wrong_address_says_what_is_wrong(arguments: tuple[str, ...]) -> None:
    refused = in_process.run(journey.main, *arguments)
    assert refused.returncode == 2
    assert "journey: error:" in refused.stderr


def test_a_journey_without_a_server_says_so() -> None:
    refused = in_process.run(journey.main, url(free_ports().base))
    assert refused.returncode == 1
    assert "is ./scripts/dev running?" in refused.stdout


@pytest.mark.parametrize("what", ["base", "firestore"])
def test_a_taken_port_is_named_in_one_line(what: str) -> None:
    ports = free_ports()
    taken = getattr(ports, what)
    with socket.create_server((HOST, taken)):
        refused = in_process.run(
            dev.main, "--port", str(ports.base), environment={**os.environ, **OWN_EMULATORS}
        )
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert f"port {taken} is taken" in line
    assert "--port" in line
