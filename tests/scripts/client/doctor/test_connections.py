"""Connections that fail, and certificates that phones reject."""

import os
import subprocess
from datetime import timedelta
from http import HTTPStatus

import pytest

from scripts.local.ports import HOST, url
from scripts.local.stack import free_ports
from scripts.root import ROOT
from tests.scripts.client.conftest import KEY
from tests.scripts.client.doctor.certificates import Authority
from tests.scripts.client.doctor.proxy import Misconfiguration, page, proxy
from tests.scripts.client.doctor.runs import examine, works

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def examine_trusting(authority: Authority, address: str) -> subprocess.CompletedProcess[str]:
    """Run the doctor on a machine that trusts the test authority."""
    return subprocess.run(
        [ROOT / "scripts" / "doctor", address],
        env={**os.environ, "SSL_CERT_FILE": str(authority.file), "API_KEY": KEY},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_trusted_certificate_is_healthy(server: str, authority: Authority) -> None:
    with proxy(server, tls=authority.context(HOST)) as address:
        done = examine_trusting(authority, address)
    assert (done.returncode, works(done)) == (0, ["feed", "sharing", "aiPlanner", "backup"])
    assert "expires on" not in done.stdout


def test_certificate_that_expires_soon_is_noted(server: str, authority: Authority) -> None:
    with proxy(server, tls=authority.context(HOST, 3 * DAY)) as address:
        done = examine_trusting(authority, address)
    assert (done.returncode, "The certificate expires on" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("host", "expires_in", "named"),
    [
        (HOST, -DAY, "The certificate has expired"),
        ("other.example", 30 * DAY, f"The certificate is for another name than {HOST}"),
    ],
    ids=["expired", "other name"],
)
def test_rejected_certificate_is_named(
    server: str, authority: Authority, host: str, expires_in: timedelta, named: str
) -> None:
    with proxy(server, tls=authority.context(host, expires_in)) as address:
        done = examine_trusting(authority, address)
    assert (done.returncode, works(done)) == (1, [])
    assert named in done.stdout


def test_untrusted_certificate_is_named(server: str, authority: Authority) -> None:
    with proxy(server, tls=authority.context(HOST)) as address:
        done = examine(address)
    assert (done.returncode, works(done)) == (1, [])
    assert "Phones do not trust the certificate" in done.stdout


def test_port_without_tls_is_named(server: str) -> None:
    done = examine(server.replace("http://", "https://"))
    assert (done.returncode, works(done)) == (1, [])
    assert "does not accept TLS" in done.stdout


def test_port_that_needs_tls_is_named(server: str) -> None:
    response = page(HTTPStatus.BAD_REQUEST, "<html>The plain HTTP request was sent to HTTPS port")
    with proxy(server, Misconfiguration(request=lambda _: response)) as address:
        done = examine(address)
    assert (done.returncode, "the port needs https" in done.stdout) == (1, True)


def test_closed_port_is_named() -> None:
    port = free_ports().base
    done = examine(url(port))
    assert (done.returncode, works(done)) == (1, [])
    assert f"{HOST} refuses connections to port {port}" in done.stdout


def test_unknown_name_is_named() -> None:
    done = examine("https://lift.invalid")
    assert (done.returncode, works(done)) == (1, [])
    assert "The name lift.invalid has no address (DNS)" in done.stdout


def test_server_that_ends_connections_is_named(server: str) -> None:
    with proxy(server, Misconfiguration(request=lambda _: b"")) as address:
        done = examine(address)
    assert (done.returncode, "A request fails: GET /features" in done.stdout) == (1, True)
