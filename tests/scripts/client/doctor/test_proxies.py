"""Planted misconfigurations of proxies, in front of a real server. The doctor names each."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

import pytest

from tests.scripts.client.doctor.proxy import Head, Headers, Misconfiguration, page, proxy
from tests.scripts.client.doctor.runs import examine, works

ALL = ["feed", "sharing", "aiPlanner", "backup"]
_NGINX_LIMIT_BYTES = 1_048_576
_EMPTY_404 = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_PROBLEM = {"Content-Type": "application/problem+json"}
_NO_PLACE = page(HTTPStatus.UNPROCESSABLE_ENTITY, '{"detail": "not configured"}', **_PROBLEM)
_SIGN_IN = '<!DOCTYPE html><form><input name="user"><input type="password"></form>'


@dataclass(frozen=True)
class Case:
    """A misconfiguration, and the report on it."""

    wrong: Misconfiguration
    named: str
    """A part of the problem's sentence."""

    working: list[str]
    is_problem: bool = True
    path: str = ""
    """The path of the address that the user enters."""


def of(request: Callable[[Head], Head | bytes]) -> Misconfiguration:
    return Misconfiguration(request=request)


def redirect(location: str) -> bytes:
    return page(HTTPStatus.MOVED_PERMANENTLY, Location=location)


def redirect_slash(head: Head) -> Head | bytes:
    path = head.target
    return head if path.endswith("/") else redirect(f"{path}/")


def lack_features(head: Head) -> Head | bytes:
    return page(HTTPStatus.NOT_FOUND) if head.target == "/features" else head


def be_older(head: Head) -> Head:
    """The response of a server without this route is its own 404."""
    return replace(head, target=head.target.replace("/features", "/nothing"))


def lack_backup(head: Head) -> Head | bytes:
    return page(HTTPStatus.NOT_FOUND) if head.target == "/backup" else head


def redirect_backup(head: Head) -> Head | bytes:
    return redirect("/backup/") if head.target == "/backup" else head


def forget_key_of_sockets(head: Head) -> Head:
    """Remove the key, and the ticket that the id contains. Older servers have no tickets."""
    if "upgrade" not in head.headers:
        return head
    return replace(head.without("x-api-key"), target=head.target.partition("?")[0])


def lack_put_user(head: Head) -> Head | bytes:
    is_put = (head.method, head.target) == ("PUT", "/user")
    return page(HTTPStatus.NOT_FOUND) if is_put else head


def forbid_put(head: Head) -> Head | bytes:
    return page(HTTPStatus.METHOD_NOT_ALLOWED) if head.method == "PUT" else head


def limit_size(head: Head) -> Head | bytes:
    size = int(head.headers.get("content-length", "0"))
    return page(HTTPStatus.REQUEST_ENTITY_TOO_LARGE) if size > _NGINX_LIMIT_BYTES else head


def forbid_preflights(head: Head) -> Head | bytes:
    return page(HTTPStatus.METHOD_NOT_ALLOWED) if head.method == "OPTIONS" else head


def answer_features(body: str) -> Misconfiguration:
    response = page(HTTPStatus.OK, body, **{"Content-Type": "application/json"})
    return of(lambda head: response if head.target == "/features" else head)


def with_header(**added: str) -> Misconfiguration:
    def edit(headers: Headers) -> Headers:
        return {**headers, **{name.replace("_", "-"): value for name, value in added.items()}}

    return Misconfiguration(response=edit)


CASES = {
    "redirect to https": Case(
        of(lambda head: redirect(f"https://127.0.0.1{head.target}")), "redirects to https", []
    ),
    "redirect to a slash": Case(of(redirect_slash), "same path with another slash", []),
    "redirect to a sign-in page": Case(
        of(lambda _: redirect("https://auth.example.org/?rd=https%3A%2F%2Flift.example.org")),
        "a sign-in page of the proxy, at auth.example.org",
        [],
    ),
    "redirect to another host": Case(
        of(lambda head: redirect(f"https://new.example.org{head.target}")),
        "Enter https://new.example.org in the app",
        [],
    ),
    "sign-in page": Case(of(lambda _: page(HTTPStatus.OK, _SIGN_IN)), "a sign-in page", []),
    "sign-in of the proxy": Case(
        of(lambda _: page(HTTPStatus.UNAUTHORIZED, **{"WWW-Authenticate": "Basic"})),
        "401 by the proxy, which needs a sign-in of its own",
        [],
    ),
    "page of another program": Case(
        of(lambda _: page(HTTPStatus.OK, "<html>It works!</html>")), "another program", []
    ),
    "server is not reached": Case(
        of(lambda _: page(HTTPStatus.BAD_GATEWAY)), "The proxy cannot reach LiftLog", []
    ),
    "features are not forwarded": Case(
        of(lack_features), "GET /features is answered 404 by the proxy", []
    ),
    "older server": Case(of(be_older), "the server is older than today's app", []),
    "older C# server": Case(
        of(lambda head: _EMPTY_404 if head.target == "/features" else head),
        "the server is older than today's app",
        [],
    ),
    "no place for backups": Case(
        of(lambda head: _NO_PLACE if head.target == "/backup" else head),
        "`/features` has true for backup, but backup is off",
        ALL[:3],
        is_problem=False,
    ),
    "features as text": Case(
        answer_features('{"feed":"true","sharing":true,"aiPlanner":true,"backup":true}'),
        "has no true or false for feed",
        ALL[1:],
    ),
    "features as list": Case(answer_features("[]"), "JSON, but not an object", []),
    "features as other text": Case(answer_features("OK"), "returns not JSON", []),
    "prefix is kept": Case(Misconfiguration(), "does not remove /liftlog", [], path="/liftlog"),
    "PUT /user is not forwarded": Case(of(lack_put_user), "creates a new account", ALL[2:]),
    "PUT is forbidden": Case(
        of(forbid_put),
        "PUT /user, PUT /event, PUT /inbox, PUT /follow-secret is answered 405",
        ALL[2:],
    ),
    "firewall": Case(
        of(lambda head: page(HTTPStatus.FORBIDDEN) if head.method != "GET" else head),
        "the proxy or its firewall forbids it",
        [],
    ),
    "rate is limited": Case(
        of(lambda _: page(HTTPStatus.TOO_MANY_REQUESTS)), "limits the rate of requests", []
    ),
    "backup is not forwarded": Case(
        of(lack_backup), "POST /backup is answered 404 by the proxy", ALL[:3]
    ),
    "backup is redirected": Case(
        of(redirect_backup), "POST /backup redirects to the same path", ALL[:3]
    ),
    "key of sockets is removed": Case(
        of(forget_key_of_sockets),
        "The negotiation succeeds, but the WebSocket is answered 401",
        ["feed", "sharing", "backup"],
    ),
    "API key is removed": Case(
        of(lambda head: head.without("x-api-key")),
        "The proxy removes the header X-API-Key",
        ALL[:2],
    ),
    "authorization is removed": Case(
        of(lambda head: head.without("authorization")),
        "The proxy removes the header Authorization",
        ALL,
        is_problem=False,
    ),
    "upgrade is removed": Case(
        of(lambda head: head.without("upgrade", "connection")),
        "The proxy does not pass WebSockets on",
        ["feed", "sharing", "backup"],
    ),
    "size is limited": Case(
        of(limit_size), "POST /backup with 32,000,000 bytes is answered 413", ["aiPlanner"]
    ),
    "features are cached": Case(
        with_header(age="30"), "A cache answers `/features`", ALL, is_problem=False
    ),
    "clock is wrong": Case(
        with_header(date="Sat, 01 Jan 2000 00:00:00 GMT"),
        "days behind that of this machine",
        ALL,
        is_problem=False,
    ),
    "compression is damaged": Case(
        with_header(**{"content-encoding": "gzip"}), "the compression is damaged", []
    ),
    "preflights are forbidden": Case(
        of(forbid_preflights), "OPTIONS /user is answered 405", ALL, is_problem=False
    ),
    "two origins": Case(
        with_header(**{"access-control-allow-origin": "*, *"}),
        "allows no other origin",
        ALL,
        is_problem=False,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_misconfigured_proxy_is_named(server: str, case: Case) -> None:
    with proxy(server, case.wrong) as address:
        done = examine(f"{address}{case.path}")
    assert case.named in done.stdout
    assert works(done) == case.working, done.stdout
    assert done.returncode == int(case.is_problem)
    assert "Next step: " in done.stdout


def test_proxy_without_mistakes_is_healthy(server: str) -> None:
    with proxy(server) as address:
        done = examine(address)
    assert works(done) == ALL
    assert done.returncode == 0
    assert "Problems" not in done.stdout
