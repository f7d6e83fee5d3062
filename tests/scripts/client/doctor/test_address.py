"""Checks of the address, and of a name that leads to several addresses."""

import socket
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from scripts.client.doctor.address import check_address, check_resolved
from scripts.client.doctor.connection import check_connection
from scripts.client.doctor.findings import Severity
from scripts.client.doctor.redirects import redirect_cause
from scripts.client.doctor.server import Answer
from scripts.local.ports import HOST
from scripts.local.stack import free_ports
from tests.scripts.client.doctor.runs import examine


@pytest.mark.parametrize(
    ("base", "named"),
    [
        ("http://lift.example.org", "phones refuse clear text"),
        ("http://192.168.1.2:8080", "phones refuse clear text"),
        ("https://lift.example.org?user=a", "has a query or a fragment"),
        ("https://lift.example.org#a", "has a query or a fragment"),
        ("https://lift.example.org/features", "ends with /features"),
        ("https://lift.example.org/a/backup", "ends with /a/backup"),
    ],
)
def test_wrong_address_is_named(base: str, named: str) -> None:
    [finding] = check_address(base)
    assert named in finding.problem
    assert finding.severity is Severity.PROBLEM


@pytest.mark.parametrize(
    "base",
    [
        "https://lift.example.org",
        "https://lift.example.org:8443/some/prefix",
        "http://127.0.0.1:5264",
        "http://[::1]:5264",
        "http://localhost:5264/v2",
    ],
)
def test_good_address_has_no_finding(base: str) -> None:
    assert check_address(base) == []


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.2", "fd00::1", "fe80::1%eth0"])
def test_private_address_is_noted(address: str) -> None:
    [finding] = check_resolved(address)
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", HOST, "::1"])
def test_other_addresses_have_no_finding(address: str) -> None:
    assert check_resolved(address) == []


def test_closed_second_address_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *others: Any, **named: Any) -> list[Any]:
        if host != "lift.example.org":
            return real(host, port, *others, **named)
        return [(0, 0, 0, "", (address, port)) for address in ("127.0.0.2", HOST)]

    with socket.create_server((HOST, 0)) as listening:
        port = listening.getsockname()[1]
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        reached = check_connection(urlsplit(f"https://lift.example.org:{port}"))
    assert (reached.address, reached.port) == (HOST, port)
    [finding] = reached.findings
    assert "also leads to 127.0.0.2" in finding.problem
    assert finding.severity is Severity.WARNING


def test_name_that_is_too_long_has_no_address() -> None:
    reached = check_connection(urlsplit(f"https://{'a' * 64}.example.org"))
    assert reached.address is None
    assert "has no address" in reached.findings[0].problem


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("lift.example.org",), "does not begin with http:// or https://"),
        (("http://127.0.0.1:x",), "Port"),
        (("http://127.0.0.1:1", "--header", "a b=c"), "a name without spaces"),
        (("http://127.0.0.1:1", "--header", "A=SECRET\nB"), "characters that a header"),
    ],
    ids=["scheme", "port", "header name", "header value"],
)
def test_malformed_arguments_are_rejected(arguments: tuple[str, ...], error: str) -> None:
    done = examine(*arguments)
    assert done.returncode == 2
    assert error in done.stderr


def test_empty_headers_are_dropped() -> None:
    port = free_ports().base
    done = examine(f"http://127.0.0.1:{port}", "--header", "A=", "--header", "=b", "--header", "c")
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("https://lift.example.org/features", "to https"),
        ("http://lift.example.org/features/", "another slash"),
        ("/features/", "another slash"),
        ("/login?next=/features", "sign-in page"),
        ("https://sso.example.org/start", "sign-in page"),
        ("https://example.org/cdn-cgi/access/login", "sign-in page"),
        ("https://lift.example.org/authors/features", "another address"),
        ("https://new.example.org/features?secret=1", "at new.example.org"),
    ],
)
def test_redirect_is_explained_by_its_target(location: str, named: str) -> None:
    answer = Answer("GET /features", 302, httpx.Headers({"Location": location}))
    cause = redirect_cause(answer, "http://lift.example.org")
    assert named in cause.problem
    assert "secret" not in cause.problem + cause.next_step
