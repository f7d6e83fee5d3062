"""Settings of the server, and credentials of the app."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from scripts.client.backend import DEBUG_KEY, Backend
from scripts.client.doctor.backup import check_key
from scripts.client.doctor.findings import Severity
from scripts.local.ports import HOST
from tests.scripts.client.conftest import KEY, settings
from tests.scripts.client.doctor.proxy import Head, Misconfiguration, proxy
from tests.scripts.client.doctor.runs import examine, works
from tests.scripts.self_hosted.installation import Installation

FEED = ["feed", "sharing"]
OF_CLEANUP = ("patrols", "cleanup")


def test_healthy_server_has_no_problem(server: str) -> None:
    done = examine(server)
    assert done.returncode == 0, done.stdout
    assert works(done) == [*FEED, "aiPlanner", "backup"]
    assert "Problems" not in done.stdout
    assert "All holders of this API key share its backups" in done.stdout


def test_doctor_changes_nothing(installation: Installation) -> None:
    with installation.serve(**settings()) as running:
        with closing(sqlite3.connect(installation.data / "liftlog.db")) as database:
            before = documents(database)
            assert examine(running.url).returncode == 0
            assert documents(database) == before
        assert [path for path in (installation.data / "backups").rglob("*") if path.is_file()] == []


def documents(database: sqlite3.Connection) -> list[tuple[object, ...]]:
    """Return the documents that requests can write, and not those of the cleanup."""
    rows = database.execute("SELECT * FROM documents").fetchall()
    return [row for row in rows if not any(name in repr(row) for name in OF_CLEANUP)]


def test_slash_and_prefix_are_accepted(server: str) -> None:
    assert examine(f" {server}/v2// ").returncode == 0


def test_missing_key_is_named(server: str) -> None:
    done = examine(server, key=None)
    assert (done.returncode, works(done)) == (1, FEED)
    assert "It needs an API key (401) [aiPlanner, backup]" in done.stdout


def test_wrong_key_is_named(server: str) -> None:
    done = examine(server, key=f"{KEY}-wrong")
    assert (done.returncode, works(done)) == (1, FEED)
    assert "The API key is wrong (401)" in done.stdout


def test_purchase_token_is_not_enough_for_backups(server: str) -> None:
    done = examine(server, "--header", "Authorization=Bearer Web SECRET-web-key", key=None)
    assert (done.returncode, works(done)) == (1, [*FEED, "aiPlanner"])
    assert "No credentials reach LiftLog (401) [backup]" in done.stdout


def test_features_that_are_off_are_shown(installation: Installation) -> None:
    off = {f"{name}_ENABLED": "False" for name in ("FEED", "SHARING", "AI_PLANNER", "BACKUP")}
    with installation.serve(**settings(**off)) as running:
        done = examine(running.url)
    assert (done.returncode, works(done)) == (0, [])
    for name in off:
        assert f"remove {name} from the settings" in done.stdout
    assert "Problems" not in done.stdout


def test_single_feature_can_be_off(installation: Installation) -> None:
    with installation.serve(**settings(SHARING_ENABLED="False")) as running:
        done = examine(running.url)
    assert works(done) == ["feed", "aiPlanner", "backup"]


def test_missing_model_is_named(installation: Installation) -> None:
    with installation.serve(API_KEYS=KEY) as running:
        done = examine(running.url)
    assert (done.returncode, works(done)) == (0, [*FEED, "backup"])
    assert "the server has no language model" in done.stdout


def sign_in(head: Head) -> Head:
    """Name the user, as a proxy with a sign-in does."""
    return replace(head, headers={**head.headers, "remote-user": "alice"})


def forward_auth(proxies: str) -> dict[str, str]:
    """Return settings for the sign-in of a proxy."""
    return {"FORWARD_AUTH_HEADER": "Remote-User", "FORWARD_AUTH_TRUSTED_PROXIES": proxies}


def test_trusted_proxy_signs_in(installation: Installation) -> None:
    with (
        installation.serve(**settings(**forward_auth(HOST))) as running,
        proxy(running.url, Misconfiguration(request=sign_in)) as address,
    ):
        done = examine(address, key=None)
    assert (done.returncode, works(done)) == (0, [*FEED, "aiPlanner", "backup"])


def test_untrusted_proxy_is_named(installation: Installation) -> None:
    with (
        installation.serve(**settings(**forward_auth("10.0.0.0/8"))) as running,
        proxy(running.url, Misconfiguration(request=sign_in)) as address,
    ):
        done = examine(address, key=None)
        direct = examine(running.url, key=None)
    assert (done.returncode, works(done)) == (1, FEED)
    assert "comes from a sender that LiftLog does not trust" in done.stdout
    assert "FORWARD_AUTH_TRUSTED_PROXIES" in done.stdout
    assert "It needs an API key (401)" in direct.stdout


@pytest.mark.parametrize(
    ("base", "severity"),
    [
        ("https://lift.example.org", Severity.PROBLEM),
        ("http://127.0.0.1:5264", Severity.WARNING),
    ],
)
def test_key_of_the_debug_build_is_public(base: str, severity: Severity) -> None:
    [finding] = check_key(Backend(base, {"x-api-key": DEBUG_KEY}))
    assert finding.severity is severity
