"""Behaviour of every route. Source: contract, heading "General"."""

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from scripts.client.api import to_text
from scripts.client.person import Person
from scripts.fakes.settings import WEB_KEY
from scripts.local.ports import HOST, SERVICES, url
from tests import stack
from tests.api_client import ApiClient
from tests.functions.test_users import profile

ROUTES = [
    ("POST", "/user/create"),
    ("PUT", "/user"),
    ("POST", "/user/delete"),
    ("POST", "/users"),
    ("PUT", "/event"),
    ("POST", "/events"),
    ("PUT", "/follow-secret"),
    ("POST", "/follow-secret/delete"),
    ("PUT", "/inbox"),
    ("POST", "/inbox"),
    ("POST", "/shareditem"),
    ("POST", "/ai/workout"),
    ("POST", "/ai/session"),
]
SUBSCRIBER = {"Authorization": f"Web {WEB_KEY}"}  # most routes ignore it
GETS = [("GET", "/user/abcdefghijkl"), ("GET", "/shareditem/abcdefghijkl")]

EVERY_BODY_ROUTE = pytest.mark.parametrize(("method", "path"), ROUTES, ids=lambda part: part)
PREFIXES = pytest.mark.parametrize("prefix", ["", "/v2"], ids=["installed", "public"])


def assert_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """Check that a response is a problem document of RFC 9457; return it."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "instance"} <= problem.keys()
    assert problem["status"] == status
    assert problem["instance"] == response.request.url.path
    return problem


@PREFIXES
@EVERY_BODY_ROUTE
@pytest.mark.parametrize(
    "body", [b"", b"{", b"nonsense", b'{"a": NaN}', b'"\\ud800"', b"\xff"], ids=repr
)
async def test_body_that_is_not_json_is_rejected(
    client: ApiClient, prefix: str, method: str, path: str, body: bytes
) -> None:
    response = await client.send(method, prefix + path, content=body, headers=SUBSCRIBER)
    assert_problem(response, 400)


@EVERY_BODY_ROUTE
@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"text"'], ids=repr)
async def test_json_that_is_not_an_object_is_rejected(
    client: ApiClient, method: str, path: str, body: bytes
) -> None:
    response = await client.send(method, f"/v2{path}", content=body, headers=SUBSCRIBER)
    problem = assert_problem(response, 400)
    assert problem["errors"] == [{"field": "", "message": "must be an object"}]


@PREFIXES
@pytest.mark.parametrize(("method", "path"), ROUTES + GETS, ids=lambda part: part)
async def test_unknown_method_is_not_allowed(
    client: ApiClient, prefix: str, method: str, path: str
) -> None:
    response = await client.send("PATCH", prefix + path, {})
    assert_problem(response, 405)
    assert method in response.headers["allow"].split(", ")


async def test_allow_header_lists_all_methods_of_path(client: ApiClient) -> None:
    assert (await client.get("/v2/inbox")).headers["allow"] == "POST, PUT"


@pytest.mark.parametrize("function", SERVICES)
@pytest.mark.parametrize("path", ["/nowhere", "/v3/user", "/v2/v2/health", "/health/x", "/healthy"])
async def test_unknown_route_is_not_found(
    http: httpx.AsyncClient, function: str, path: str
) -> None:
    assert_problem(await http.get(url(stack.current().of(function)) + path), 404)


@pytest.mark.parametrize("function", SERVICES)
@pytest.mark.parametrize("path", ["/", "//", "/v2", "/V2/"])
async def test_root_path_accepts_only_pushed_messages(
    http: httpx.AsyncClient, function: str, path: str
) -> None:
    response = await http.get(url(stack.current().of(function)) + path)
    assert_problem(response, 405 if function == "cleanup" else 404)


@PREFIXES
@pytest.mark.parametrize("function", SERVICES)
async def test_every_function_serves_openapi_document(
    http: httpx.AsyncClient, prefix: str, function: str
) -> None:
    address = f"{url(stack.current().of(function))}{prefix}/openapi.json"
    assert (await http.get(address)).json()["openapi"] == "3.1.0"
    assert_problem(await http.post(address), 405)


@PREFIXES
@pytest.mark.parametrize("function", SERVICES)
async def test_every_function_is_healthy(
    http: httpx.AsyncClient, prefix: str, function: str
) -> None:
    address = f"{url(stack.current().of(function))}{prefix}/health"
    response = await http.get(address)
    assert (response.status_code, response.text) == (200, "healthy")
    head = await http.head(address)
    assert (head.status_code, head.content) == (200, b"")
    assert_problem(await http.post(address), 405)


@PREFIXES
@pytest.mark.parametrize("function", SERVICES)
async def test_every_function_is_ready(http: httpx.AsyncClient, prefix: str, function: str) -> None:
    address = f"{url(stack.current().of(function))}{prefix}/health/ready"
    response = await http.get(address)
    assert (response.status_code, response.json()) == (200, {"status": "ready", "dependencies": {}})
    assert response.headers["cache-control"] == "no-store"
    head = await http.head(address)
    assert (head.status_code, head.content) == (200, b"")
    assert_problem(await http.post(address), 405)


@pytest.mark.parametrize("function", SERVICES)
async def test_dependencies_of_a_function_are_logged(
    http: httpx.AsyncClient, function: str
) -> None:
    await http.get(url(stack.current().of(function)) + "/health/ready")
    paid = function in ("ai", "chat")
    lines = stack.log().read_text().splitlines()
    logged = [
        set(line["dependencies"])
        for line in map(json.loads, filter(lambda line: '"dependencies: ' in line, lines))
    ]
    assert any(
        ("store" in names) == (function != "backup")
        and ("backups" in names) == (function == "backup")
        and ("OPENAI_API_KEY" in names) == paid
        and ("instance" in names) == (function == "chat")
        for names in logged
    )


SPELLINGS = {
    "slash": lambda path: f"{path}/",
    "upper case": lambda path: f"/V2{_fixed(path).upper()}{_parameter(path)}",
    "doubled slashes": lambda path: f"/v2{path}".replace("/", "//") + "//",
    "encoded letter": lambda path: f"/%76%32/%{ord(path[1]):x}{path[2:]}",
    "encoded slash": lambda path: f"/%2F{path[1:]}%2f",
}
SPELLED = pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)


def _parameter(path: str) -> str:
    """Return the parameter at the end of a path of `GETS`; empty if there is none."""
    return "abcdefghijkl" if path.endswith("abcdefghijkl") else ""


def _fixed(path: str) -> str:
    return path.removesuffix("abcdefghijkl")


@SPELLED
@pytest.mark.parametrize(("method", "path"), ROUTES + GETS, ids=lambda part: part)
async def test_path_spellings_are_equivalent(
    client: ApiClient,
    http: httpx.AsyncClient,
    method: str,
    path: str,
    spelling: Callable[[str], str],
) -> None:
    address = client.url(path).removesuffix(path) + spelling(path)
    served = await http.request(method, address, content=b"nonsense", headers=SUBSCRIBER)
    problem = assert_problem(served, 404 if method == "GET" else 400)
    assert problem["detail"] != "no such route"
    rejected = await http.patch(address, headers={"Origin": "https://example.org"})
    assert_problem(rejected, 405)
    assert method in rejected.headers["allow"].split(", ")
    assert rejected.headers["access-control-allow-origin"] == "*"


@SPELLED
@pytest.mark.parametrize("function", SERVICES)
@pytest.mark.parametrize("path", ["/health", "/health/ready", "/openapi.json"])
async def test_spellings_of_common_paths_are_equivalent(
    http: httpx.AsyncClient, function: str, path: str, spelling: Callable[[str], str]
) -> None:
    address = url(stack.current().of(function)) + spelling(path)
    assert (await http.get(address)).status_code == 200
    head = await http.head(address)
    assert (head.status_code, head.content) == (200, b"")
    assert_problem(await http.post(address), 405)


async def test_path_parameter_keeps_its_case(
    client: ApiClient, http: httpx.AsyncClient, alice: Person
) -> None:
    lookup = (await client.get(f"/user/{alice.id}")).json()["lookup"]
    address = client.url("/user").removesuffix("/user")
    assert (await http.get(f"{address}/V2//USER/{lookup}/")).json()["id"] == alice.id
    assert_problem(await http.get(f"{address}/user/{lookup.upper()}"), 404)
    inside = await http.get(f"{address}/user/{lookup[:6]}%2F{lookup[6:]}")
    assert assert_problem(inside, 404)["detail"] == "no such route"


async def test_field_names_match_in_any_case(client: ApiClient, alice: Person) -> None:
    body = {
        "ID": alice.id,
        "Password": alice.password,
        "encryptioniv": to_text(b"i"),
        "RSAPUBLICKEY": "",
        "unknown": {"a": 1},
    }
    assert (await client.put("/v2/user", body)).status_code == 200
    assert (await client.get(f"/v2/user/{alice.id}")).json()["encryptionIV"] == to_text(b"i")
    nested = {"USERS": [{"userid": alice.id, "FollowSecret": "s", "SINCE": "2000-01-01T00:00:00Z"}]}
    assert (await client.post("/v2/events", nested)).status_code == 200
    snake = {"id": alice.id, "password": "x", "encryption_iv": "", "rsa_public_key": ""}
    assert (await client.put("/v2/user", snake)).status_code == 400


@pytest.mark.parametrize(
    "text",
    ["YQ", "YQ=", "YQ==\n", "Y Q==", "_-A=", "YR==", "YQ==YQ==", "é", "=", "YWI=="],
    ids=repr,
)
async def test_invalid_base64_is_rejected(
    client: ApiClient, existing_user: Person, text: str
) -> None:
    response = await client.put("/v2/user", profile(existing_user) | {"encryptedName": text})
    problem = assert_problem(response, 400)
    assert problem["errors"] == [
        {"field": "encryptedName", "message": "is not standard base64 with padding"}
    ]


async def test_escaped_plus_sign_in_base64_is_accepted(client: ApiClient, alice: Person) -> None:
    name = b"\xfb\xef\xbe" * 600
    content = json.dumps(profile(alice, encryptedName=name)).replace("+", "\\u002B").encode()
    assert (await client.send("PUT", "/v2/user", content=content)).status_code == 200
    read = await client.get(f"/v2/user/{alice.id}")
    assert read.json()["encryptedName"] == to_text(name)


async def test_error_response_does_not_repeat_the_request(
    client: ApiClient, existing_user: Person
) -> None:
    body = {
        "userId": "SECRET-id",
        "password": "SECRET" * 8,
        "eventId": "SECRET-event",
        "encryptedEventPayload": "SECRET!",
        "encryptedEventIV": ["SECRET"],
        "expiry": "SECRET",
    }
    response = await client.put("/v2/event", body)
    problem = assert_problem(response, 400)
    assert len(problem["errors"]) == 6
    assert "SECRET" not in response.text
    wrong = {**existing_user.credentials, "password": "SECRET", "followSecret": "SECRET"}
    assert "SECRET" not in (await client.put("/v2/follow-secret", wrong)).text


async def test_log_contains_no_request_data(client: ApiClient, alice: Person) -> None:
    marker = f"SECRET{uuid4().hex[:10]}"
    secret = {**alice.credentials, "followSecret": marker}
    for body in (secret, secret | {"password": marker}, secret | {"followSecret": marker * 9}):
        await client.put("/v2/follow-secret", body)
    item = {**secret, "encryptedPayload": {"encryptedPayload": f"{marker}==", "iv": {"value": ""}}}
    await client.post("/v2/shareditem", item)
    await client.send("PUT", "/v2/inbox", content=f'{{"{marker}": '.encode())
    log = stack.log().read_text()
    assert marker not in log
    assert alice.password not in log


@EVERY_BODY_ROUTE
async def test_too_large_body_is_rejected(client: ApiClient, method: str, path: str) -> None:
    content = b" " * 4_000_000
    response = await client.send(method, f"/v2{path}", content=content, headers=SUBSCRIBER)
    assert_problem(response, 413)


async def test_too_large_chunked_body_is_rejected_early() -> None:
    reader, writer = await asyncio.open_connection(HOST, stack.current().of("events"))
    head = "PUT /v2/event HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(head.encode())
    # Three times the limit, without an end of the body.
    writer.write((b"4000\r\n" + b" " * 0x4000 + b"\r\n") * 21)
    async with asyncio.timeout(20):
        status_line = await reader.readline()
    writer.close()
    assert status_line.split()[1] == b"413"


async def test_too_large_content_length_is_rejected_early() -> None:
    port = stack.current().of("events")
    reader, writer = await asyncio.open_connection(HOST, port)
    head = "PUT /v2/event HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n"
    writer.write(head.encode())
    async with asyncio.timeout(20):
        status_line = await reader.readline()
    writer.close()
    assert status_line.split()[1] == b"413"


async def test_large_response_is_compressed_on_request(
    client: ApiClient, http: httpx.AsyncClient, alice: Person
) -> None:
    await client.put("/v2/user", profile(alice, encryptedCurrentPlan=b"plan" * 2000))
    address = client.url(f"/v2/user/{alice.id}")
    async with http.stream("GET", address, headers={"Accept-Encoding": "gzip"}) as response:
        assert response.headers["content-encoding"] == "gzip"
        raw = b"".join([chunk async for chunk in response.aiter_raw()])
    plain = await http.get(address, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert len(raw) < len(plain.content) / 5
    assert gzip.decompress(raw) == plain.content


async def test_small_response_is_not_compressed(client: ApiClient, existing_user: Person) -> None:
    response = await client.send(
        "GET", f"/v2/user/{existing_user.id}", headers={"Accept-Encoding": "gzip"}
    )
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize(("method", "path"), ROUTES + GETS, ids=lambda part: part)
async def test_cors_allows_any_origin(client: ApiClient, method: str, path: str) -> None:
    preflight = await client.send(
        "OPTIONS",
        f"/v2{path}",
        headers={
            "Origin": "https://example.org",
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "content-type,authorization,x-anything",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert method in preflight.headers["access-control-allow-methods"]
    assert "x-anything" in preflight.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in preflight.headers
    rejected = await client.send("PATCH", f"/v2{path}", headers={"Origin": "https://example.org"})
    assert rejected.headers["access-control-allow-origin"] == "*"
