"""The commands of `scripts/`, run as a developer runs them."""

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

from scripts.client.backend import DEBUG_KEY
from scripts.client.journey import __main__ as journey
from scripts.fakes.settings import WEB_KEY
from scripts.local import dev
from scripts.local.ports import HOST, SERVICES, url
from scripts.local.stack import OWN_EMULATORS, Stack, addresses, free_ports
from scripts.root import ROOT
from tests import in_process
from tests.emulators import emulators, ports
from tests.stack import log_folder

get = partial(httpx.get, timeout=60)


def run(
    command: str, *options: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
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
    """Return whether the process runs. An ended child stays listed until its status is read."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def assert_ends_with_children(own: Stack, number: signal.Signals) -> None:
    """End a stack by a signal. Assert that its child processes end."""
    children = started_by(own.pid)
    assert own.stop(number) == 0
    _, left_behind = psutil.wait_procs(children, timeout=60)
    assert not [child for child in left_behind if runs(child)]


def assert_journeys_succeed(*addresses_: str) -> None:
    """Play the apps of both years, with the credentials of the debug build."""
    of_2025 = "--era", "2025", "--purchase-token", f"Web {WEB_KEY}"
    of_2026 = "--api-key", DEBUG_KEY
    for options, steps in ((of_2025, 35), (of_2026, 56)):
        played = run("journey", *options, *addresses_)
        assert played.returncode == 0, played.stdout
        assert f"All {steps} steps passed." in played.stdout
        assert "skipped" not in played.stdout


def has_emulator(own: Stack) -> bool:
    return any("CloudFirestore" in " ".join(each.cmdline()) for each in started_by(own.pid))


def test_dev_serves_and_ends_on_ctrl_c() -> None:
    with Stack() as own:
        assert_journeys_succeed(url(own.ports.base))
        assert run("doctor", url(own.ports.base), "--api-key", DEBUG_KEY).returncode == 0
        for name in SERVICES:
            assert get(url(own.ports.of(name)) + "/v2/health").text == "healthy"
            ready = get(url(own.ports.of(name)) + "/health/ready")
            everything = get(url(own.ports.base) + "/health/ready")
            assert ready.status_code == everything.status_code == 200
            assert ready.json() == everything.json() == {"status": "ready", "dependencies": {}}
        assert get(url(own.ports.of("users")) + "/v2/inbox").status_code == 404
        assert get(url(own.ports.base) + "/v2/inbox").status_code == 405
        assert get(url(own.ports.base) + "//V2/Inbox/").status_code == 405
        shutil.copy(own.log, log_folder())
        assert not has_emulator(own)
        assert (own.data / "liftlog.db").exists()
        assert_ends_with_children(own, signal.SIGINT)
        assert not own.data.exists()


@pytest.mark.firestore
def test_dev_serves_on_emulators() -> None:
    with Stack("--emulators", environment=OWN_EMULATORS) as own:
        assert_journeys_succeed(url(own.ports.base))
        assert has_emulator(own)
        assert not own.data.exists()
        assert_ends_with_children(own, signal.SIGINT)


def test_dev_isolated_serves_and_ends_on_sigterm() -> None:
    with Stack("--isolated") as own:
        all_addresses = {**addresses(own.ports), "chat": url(own.ports.of("chat"))}
        assert_journeys_succeed(*(f"{name}={at}" for name, at in all_addresses.items()))
        shutil.copy(own.log, log_folder())
        assert_ends_with_children(own, signal.SIGTERM)


@pytest.mark.firestore
def test_dev_uses_a_running_emulator_and_env_file(tmp_path: Path) -> None:
    settings = tmp_path / ".env"
    keys = "WEB_AUTH_KEY=SECRET-of-a-developer\nAPI_KEYS=SECRET-api-key-of-a-developer\n"
    settings.write_text(f"{keys}TEST_MODE=nonsense\n")
    running = emulators()
    environment = {**running.environment, "TEST_MODE": "True"}
    options = "--emulators", "--env-file", str(settings)
    with Stack(*options, environment=environment) as own:
        assert not has_emulator(own)
        assert any(f"{running.firestore} (already running)" in line for line in own.output)
        user = httpx.post(url(own.ports.base) + "/user/create", json={}, timeout=60).json()
        same = get(f"{url(ports().of('users'))}/user/{user['id']}")
        assert same.status_code == 200
        for key, status in (("SECRET-of-a-developer", 400), (WEB_KEY, 401)):
            answer = httpx.post(
                url(own.ports.base) + "/ai/session",
                json={},
                headers={"Authorization": f"Web {key}"},
                timeout=60,
            )
            assert answer.status_code == status
        assert not any("SECRET" in line or WEB_KEY in line for line in own.output)
        # SIGHUP: the terminal closed.
        assert_ends_with_children(own, signal.SIGHUP)


def test_dev_reports_an_emulator_without_response() -> None:
    ports = free_ports()
    nowhere = f"{HOST}:{ports.firestore}"
    environment = {"FIRESTORE_EMULATOR_HOST": nowhere, "DATABASE_FILE": ""}
    refused = in_process.run(
        dev.main, "--port", str(ports.base), environment={**os.environ, **environment}
    )
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert f"no emulator responds at {nowhere}" in line


@pytest.mark.parametrize("port", ["0", "80", "65530", "70000", "x"])
def test_dev_rejects_invalid_ports(port: str) -> None:
    refused = in_process.run(dev.main, "--port", port)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


def test_dev_rejects_a_missing_env_file(tmp_path: Path) -> None:
    refused = in_process.run(dev.main, "--env-file", str(tmp_path / "nowhere"))
    assert refused.returncode == 2
    assert "file not found" in refused.stderr


@pytest.mark.parametrize(
    "command",
    ["benchmark", "chat", "dev", "doctor", "emulators", "journey", "lock", "package", "test"],
)
def test_commands_print_help(command: str) -> None:
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
def test_journey_rejects_a_wrong_url(arguments: tuple[str, ...]) -> None:
    refused = in_process.run(journey.main, *arguments)
    assert refused.returncode == 2
    assert "journey: error:" in refused.stderr


def test_journey_reports_a_missing_server() -> None:
    refused = in_process.run(journey.main, url(free_ports().base))
    assert refused.returncode == 1
    assert "is ./scripts/dev running?" in refused.stdout


@pytest.mark.parametrize(
    ("service", "options"), [("base", ()), ("fakes", ()), ("firestore", ("--emulators",))]
)
def test_dev_reports_a_used_port(service: str, options: tuple[str, ...]) -> None:
    ports = free_ports()
    taken = getattr(ports, service)
    arguments = "--port", str(ports.base), *options
    with socket.create_server((HOST, taken)):
        refused = in_process.run(dev.main, *arguments, environment={**os.environ, **OWN_EMULATORS})
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert f"port {taken} is in use" in line
    assert "--port" in line


@pytest.mark.parametrize("option", [("--fresh",), ("--data", "somewhere")], ids=" ".join)
def test_dev_rejects_file_options_for_emulators(option: tuple[str, ...]) -> None:
    refused = in_process.run(dev.main, "--emulators", *option)
    assert refused.returncode == 2
    assert "the emulators have no file" in refused.stderr
