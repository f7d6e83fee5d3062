"""The OpenAPI document, and a comparison of it with the running functions."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from scripts.fakes.revenuecat import SUBSCRIBER
from scripts.fakes.settings import WEB_KEY
from scripts.local.ports import url
from shared.web.openapi import describe
from tests import stack
from tests.shared.web.test_routes import CONTRACT, declared


def document_of(function: str) -> dict[str, Any]:
    """Return the document that the running function serves."""
    response = httpx.get(url(stack.current().of(function)) + "/openapi.json", timeout=60)
    assert response.status_code == 200
    document: dict[str, Any] = response.json()
    return document


@pytest.mark.parametrize("function", CONTRACT)
def test_document_lists_every_route(function: str) -> None:
    described = {
        f"{method.upper()} {path.removeprefix('/v2')}"
        for path, operations in document_of(function)["paths"].items()
        for method in operations
    }
    assert described == CONTRACT[function]


def test_document_contains_limits_and_names() -> None:
    schemas = document_of("users")["components"]["schemas"]
    replace = schemas["ReplaceUserRequest"]
    assert replace["required"] == ["id", "password", "encryptionIV", "rsaPublicKey"]
    assert replace["properties"]["password"]["maxLength"] == 40
    assert replace["properties"]["encryptionIV"]["contentEncoding"] == "base64"
    assert schemas["UsersRequest"]["properties"]["ids"]["maxItems"] == 200


@pytest.mark.parametrize("function", CONTRACT)
def test_generated_requests_get_documented_responses(
    function: str, tmp_path: Path, is_long: bool
) -> None:
    finished = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            "--config-file", Path(__file__).with_name("schemathesis.toml"),
            "run", url(stack.current().of(function)) + "/openapi.json",
            "--warnings", "off", "--no-color", "--max-examples", "100" if is_long else "5",
            "--header", f"Authorization: RevenueCat {SUBSCRIBER}-{uuid4()}",
            "--header", f"X-API-Key: {WEB_KEY}",
        ],
        cwd=tmp_path,
        timeout=600,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout[-5000:]
    assert re.search(r"(\d{2,}) generated, \1 passed", finished.stdout), finished.stdout


def test_document_matches_declared_routes() -> None:
    for function, routes in declared().items():
        document = describe(routes)
        assert document["openapi"] == "3.1.0"
        assert document["paths"] == document_of(function)["paths"]
        for route in [route for route in routes if not route.is_pushed_to]:
            operation = document["paths"][f"/v2{route.path}"][route.method.lower()]
            statuses = {int(status) for status in operation["responses"]}
            parts = {206, 304} if route.download_type else set()
            assert statuses == {200, *parts, *route.statuses}
            has_body = route.has_body or route.max_upload_bytes is not None
            assert ("requestBody" in operation) == has_body
            for status, response in operation["responses"].items():
                has_retry_after = "Retry-After" in response.get("headers", {})
                assert has_retry_after == (status in ("429", "502", "503", "504"))
            has_sign_in = route.path.startswith(("/ai", "/backup"))
            assert ("security" in operation) == has_sign_in
            if has_sign_in:
                assert "WWW-Authenticate" in operation["responses"]["401"]["headers"]
