"""The self-hosted server in its own process."""

import asyncio
import json
import re
import signal
import socket
import stat
from collections.abc import Iterator
from datetime import timedelta

import httpx
import psutil
import pytest
from rich.console import Console

from scripts.client.journey.journey import Journey
from scripts.client.person import Person
from scripts.fakes.settings import WEB_KEY
from scripts.local.ports import HOST, url
from scripts.self_hosted.health_check import is_ready
from scripts.self_hosted.settings_template import template
from shared.store.cleanup_runs import CleanupRuns
from shared.store.data_model import CLEANUP_RUNS
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.timestamps import now
from tests import stack
from tests.functions.chat.hub_user import HUB_V1, HUB_V2, HubUser
from tests.functions.chat.running_chat import ChatEndpoint
from tests.functions.test_ai import SESSION
from tests.scripts.self_hosted.installation import Installation

KEY = "SECRET-key-of-a-home-server"
WITH_PLANS = {"WEB_AUTH_KEY": KEY, "OPENAI_MODEL": "fake"}
OFF = {
    "type": "about:blank",
    "title": "Not Implemented",
    "status": 501,
    "detail": "not configured on this server: the AI planner",
}


def with_plans() -> dict[str, str]:
    """Return the settings of a server with a language model at home, which needs no key."""
    return {**WITH_PLANS, "OPENAI_BASE_URL": f"{url(stack.current().fakes)}/openai/v1"}


def test_first_start_creates_private_files(installation: Installation) -> None:
    with installation.serve() as server:
        assert stat.S_IMODE(installation.data.stat().st_mode) == 0o700
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode) for path in installation.data.iterdir()
        }
        assert {"lock", "settings.env", "liftlog.db"} <= modes.keys()
        assert modes.pop("backups") == 0o700
        assert set(modes.values()) == {0o600}
        assert (installation.data / "settings.env").read_text() == template()
        assert httpx.get(f"{server.url}/health").text == "healthy"
        assert is_ready(server.port)


async def test_journey_succeeds_on_one_port(
    installation: Installation, http: httpx.AsyncClient
) -> None:
    with installation.serve() as server:
        journey = Journey(server.api(http), None, Console())
        await journey.run()
        assert journey.steps > 30
        files = [each.path for each in psutil.Process(server.process.pid).open_files()]
        # One engine for all services: one writer, and four readers.
        assert 1 <= files.count(str(installation.data / "liftlog.db")) <= 5
        for path in ("/", "/v2", "/v2/"):
            answer = await http.post(f"{server.url}{path}", json={"message": {"messageId": "1"}})
            assert answer.status_code == 404


@pytest.fixture(scope="module")
def plain_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server without settings."""
    with Installation(tmp_path_factory.mktemp("plain") / "data").serve() as server:
        yield server.url


@pytest.mark.parametrize("token", [None, "Web any", "Bearer Web any"])
@pytest.mark.parametrize(
    "path",
    ["/ai/workout", "/v2/ai/session", "/ai-chat/negotiate", "/v2/ai-chat-v2/negotiate"],
)
def test_plans_that_are_off_are_answered_501(
    plain_server: str, path: str, token: str | None
) -> None:
    headers = {} if token is None else {"Authorization": token}
    answer = httpx.post(f"{plain_server}{path}", headers=headers)
    assert answer.status_code == 501
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {**OFF, "instance": path}


@pytest.mark.parametrize("hub", [HUB_V1, HUB_V2])
def test_socket_of_a_feature_that_is_off_is_denied(plain_server: str, hub: str) -> None:
    answer = httpx.get(
        f"{plain_server}{hub}",
        headers={
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
    )
    assert (answer.status_code, answer.json()["detail"]) == (501, OFF["detail"])


async def test_plans_and_coach_work_with_model_and_key(
    installation: Installation, http: httpx.AsyncClient
) -> None:
    token = f"Web {KEY}"
    with installation.serve(**with_plans()) as server:
        session = await server.api(http).call("POST", "/ai/session", {"attributes": SESSION}, token)
        assert session["exercises"]
        async with ChatEndpoint(server.port).connect_to_hub(HUB_V2, token=token) as wire:
            user = HubUser(wire, is_new=True)
            await user.introduce()
        assert user.texts
        # Providers that are not configured: a token is rejected, and nothing is sent to them.
        for other in (f"Web {WEB_KEY}", "RevenueCat x", "Apple a.b.c", "Google x"):
            answer = await http.post(
                f"{server.url}/ai/session", json={}, headers={"Authorization": other}
            )
            assert answer.status_code == 401
        assert KEY not in server.log


async def test_features_of_todays_app_work_with_api_keys(
    installation: Installation, http: httpx.AsyncClient
) -> None:
    settings = {**with_plans(), "WEB_AUTH_KEY": "", "API_KEYS": f"alice={KEY},bob={KEY}-of-bob"}
    headers = {"X-API-Key": KEY}
    with installation.serve(**settings) as server:
        assert "AI plans, backups, API keys; off: forward auth (set " in server.log
        answer = await http.get(f"{server.url}/features")
        assert answer.json() == dict.fromkeys(("feed", "sharing", "aiPlanner", "backup"), True)
        session = {"attributes": SESSION}
        planned = await http.post(f"{server.url}/ai/session", json=session, headers=headers)
        assert planned.status_code == 200
        stored = await http.post(f"{server.url}/backup", content=b"backup", headers=headers)
        assert (stored.status_code, stored.content) == (200, b"")
    with installation.serve(**settings) as server:
        restored = await http.get(f"{server.url}/backup/latest", headers=headers)
        assert restored.content == b"backup"
        headers = {"X-API-Key": f"{KEY}-of-bob"}
        assert (await http.get(f"{server.url}/backup/latest", headers=headers)).status_code == 404
        assert KEY not in server.log
    [file] = (installation.data / "backups").glob("*/*.gz")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes() == b"backup"


async def test_trusted_proxy_names_the_user(
    installation: Installation, http: httpx.AsyncClient
) -> None:
    user = {"Remote-User": "alice@example.org"}
    trusted = {"FORWARD_AUTH_HEADER": "Remote-User", "FORWARD_AUTH_TRUSTED_PROXIES": HOST}
    with installation.serve(**trusted) as server:
        stored = await http.post(f"{server.url}/backup", content=b"backup", headers=user)
        assert stored.status_code == 200
        assert "forward auth by Remote-User" in server.log
        assert "alice" not in server.log
    with installation.serve(**trusted | {"FORWARD_AUTH_TRUSTED_PROXIES": "192.0.2.1"}) as server:
        assert (await http.get(f"{server.url}/backups", headers=user)).status_code == 401


async def test_switched_off_features_are_answered_423(
    installation: Installation, http: httpx.AsyncClient
) -> None:
    off = {f"{name}_ENABLED": "False" for name in ("FEED", "SHARING", "AI_PLANNER", "BACKUP")}
    with installation.serve(**off, API_KEYS=KEY) as server:
        assert "; on: nothing; off: accounts (switched off: set FEED_ENABLED=True" in server.log
        answer = await http.get(f"{server.url}/features")
        assert answer.json() == dict.fromkeys(("feed", "sharing", "aiPlanner", "backup"), False)
        for path in ("/user/create", "/events", "/shareditem", "/ai-chat-v2/negotiate"):
            assert (await http.post(f"{server.url}{path}")).status_code == 423
        headers = {"X-API-Key": KEY}
        for sent, status in (({}, 401), (headers, 423)):
            answer = await http.post(f"{server.url}/backup", content=b"x", headers=sent)
            assert answer.status_code == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_data_survives_a_stop_by_signal(
    installation: Installation, http: httpx.AsyncClient, number: signal.Signals
) -> None:
    with installation.serve() as server:
        person = await Person.create(server.api(http))
        await person.publish_profile("Alice")
        assert server.stop(number) == 0
        assert server.log.splitlines()[-1].endswith("stopped")
        assert "Traceback" not in server.log
    with installation.serve() as server:
        profile = await server.api(http).profile(person.id)
        assert profile.encrypted_name is not None


async def test_stop_closes_the_connections_of_the_coach(installation: Installation) -> None:
    with installation.serve(**with_plans()) as server:
        endpoint = ChatEndpoint(server.port)
        async with endpoint.connect_to_hub(HUB_V2, token=f"Web {KEY}") as wire:
            assert server.stop() == 0
            assert await wire.wait_closed() == 1000


def test_second_server_on_a_folder_is_rejected(installation: Installation) -> None:
    with installation.serve():
        second = installation.fail_to_start("--port", "0")
    assert second.returncode == 1
    assert second.stderr == (
        f"serve: another ./scripts/serve uses {installation.data}; stop it first\n"
    )


def test_file_of_another_kind_is_reported(installation: Installation) -> None:
    installation.data.mkdir()
    (installation.data / "liftlog.db").write_text("SECRET-text " * 100)
    rejected = installation.fail_to_start()
    assert rejected.returncode == 1
    assert rejected.stderr == (
        f"serve: cannot use {installation.data}/liftlog.db: file is not a database\n"
    )


def test_used_port_is_reported(installation: Installation) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        rejected = installation.fail_to_start("--host", HOST, "--port", str(port))
    assert rejected.returncode == 1
    [line] = rejected.stderr.splitlines()
    assert line == (
        f"serve: cannot listen on {HOST}:{port}: Address already in use; "
        "choose others with --host and --port"
    )


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("OPENAI_RETRIES", "SECRET-x", "OPENAI_RETRIES: Input should be a valid integer"),
        ("INBOX_RETENTION_DAYS", "1", "INBOX_RETENTION_DAYS: Input should be greater"),
        ("WEB_AUTH_KEY", "sm://SECRET-x!", "WEB_AUTH_KEY is not of the form sm://name"),
        ("REVENUECAT_API_KEY", "sm://SECRET-x", "REVENUECAT_API_KEY refers to Secret Manager"),
        ("API_KEYS", "alice=SECRET-x,SECRET", "API_KEYS: Value error, each key must have 8"),
        ("FORWARD_AUTH_HEADER", "Remote-User", "Value error, FORWARD_AUTH_HEADER requires"),
        ("FORWARD_AUTH_HEADER", "SECRET x", "FORWARD_AUTH_HEADER: Value error, must be the name"),
        ("FORWARD_AUTH_TRUSTED_PROXIES", "SECRET", "FORWARD_AUTH_TRUSTED_PROXIES: Value error"),
        ("BACKUP_ENCRYPTION_KEY", "SECRET", "BACKUP_ENCRYPTION_KEY: Value error, must be 32"),
        ("BACKUP_KEEP", "0", "BACKUP_KEEP: Input should be greater"),
        ("FEED_ENABLED", "SECRET", "FEED_ENABLED: Input should be a valid boolean"),
    ],
)
@pytest.mark.parametrize("is_in_file", [False, True], ids=["environment", "file"])
def test_invalid_setting_ends_start_with_its_name(
    installation: Installation, name: str, value: str, problem: str, *, is_in_file: bool
) -> None:
    settings = {"GOOGLE_CLOUD_PROJECT": ""}
    if is_in_file:
        installation.data.mkdir()
        (installation.data / "settings.env").write_text(f"{name}={value}\n")
    else:
        settings[name] = value
    rejected = installation.fail_to_start(**settings)
    assert rejected.returncode == 1
    [line] = rejected.stderr.splitlines()
    assert line.startswith(f"serve: {problem}")
    assert str(installation.data / "settings.env") in line
    assert "SECRET" not in line


def test_start_line_names_address_data_and_features(installation: Installation) -> None:
    installation.data.mkdir()
    (installation.data / "settings.env").write_text(
        f"WEB_AUTH_KEY={KEY}\nOPENAI_API_KEY={KEY}\nINBOX_RETENTION_DAY=30\n"
    )
    with installation.serve(LOG_FORMAT="json") as server:
        lines = [json.loads(line)["message"] for line in server.log.splitlines()]
    warning, start = lines[:2]
    assert "INBOX_RETENTION_DAY in " in warning
    assert warning.endswith("is not a setting of this server")
    assert start.startswith(f"serving {server.url}, data in {installation.data} (")
    assert "on: accounts, feed, followers, shared plans, AI plans, Web subscribers; off:" in start
    assert "backups (no user can sign in: set API_KEYS, or FORWARD_AUTH_HEADER)" in start
    assert "Apple subscribers (set APPLE_SHARED_SECRET or APPLE_PRIVATE_KEY)" in start
    assert re.search(r"; next cleanup at \d\d:00 UTC$", start)
    assert KEY not in server.log


async def test_cleanup_runs_at_start_if_the_last_run_is_old(installation: Installation) -> None:
    installation.data.mkdir()
    database = Database(DatabaseSettings(file=installation.data / "liftlog.db"))
    expired = now() - timedelta(days=40)
    batch = database.batch()
    batch.set(
        database.document(CLEANUP_RUNS, "expired"),
        {"started_at": expired, "expires_at": expired + timedelta(days=30)},
    )
    await database.commit(batch)
    runs = CleanupRuns(database)
    with installation.serve() as server:
        async with asyncio.timeout(300):
            # The log line comes before the record of the run.
            while [run.ended_at is None for run in await runs.newest(2)] != [False]:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
        assert server.stop() == 0
        assert f"deleted 1 {CLEANUP_RUNS.name} in " in server.log
    with installation.serve() as server:  # finds the run of the first server
        assert server.stop() == 0
    [run] = await runs.newest(10)
    assert run.ended_at is not None
    assert run.deleted == {CLEANUP_RUNS.name: 1}
    await database.close()
