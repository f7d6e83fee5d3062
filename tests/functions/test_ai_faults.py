"""Responses of `ai` when the model fails."""

from collections.abc import AsyncIterator

import httpx
import httpx2
import pytest

import functions.ai.main
from scripts.fakes.conversation import Speech
from scripts.fakes.faults import Fault
from scripts.fakes.openai import OpenAi, Scripted
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.store.database import Database
from shared.web.app import build_app
from shared.web.subscribers import SubscriberResources
from tests.fakes import RunningFake
from tests.functions.test_ai import SESSION
from tests.functions.test_general import assert_problem

KEY = "SECRET-web-key-of-faults"


@pytest.fixture
async def http(
    fake_openai: RunningFake[OpenAi],
    outgoing: httpx2.AsyncClient,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[httpx.AsyncClient]:
    """The function in this process, with a short timeout for a silent model."""
    settings = {
        "OPENAI_API_KEY": "any",
        "OPENAI_BASE_URL": f"{fake_openai.url}/v1",
        "OPENAI_RETRIES": "0",
        "OPENAI_SILENCE_S": "0.5",
        "TEST_MODE": "True",
        "WEB_AUTH_KEY": KEY,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    resources = SubscriberResources(database, outgoing, Secrets(SecretSettings()))
    app = build_app(functions.ai.main.routes(resources))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ai") as http:
        yield http


FAULTS = {
    "overloaded": (Fault(429, headers={"Retry-After": "37"}), 503, "37"),
    "broken": (Fault(500), 502, "10"),
    "our key is rejected": (Fault(401), 502, "10"),
    "cut": (Fault(is_cut=True), 502, "10"),
    "silent": (Fault(is_silent=True), 504, "10"),
}
SPEECHES = {
    "silent during the stream": (Scripted(Speech(text="Well, "), silent_after=1), 504),
    "cut during the stream": (Scripted(Speech(text="Well, "), cut_after=1), 502),
    "a refusal": (Scripted(Speech(refusal="No.")), 502),
}


async def post(http: httpx.AsyncClient) -> httpx.Response:
    headers = {"Authorization": f"Web {KEY}"}
    return await http.post("/v2/ai/session", json={"attributes": SESSION}, headers=headers)


@pytest.mark.parametrize(("fault", "status", "retry_after"), FAULTS.values(), ids=FAULTS)
async def test_model_server_fault_is_reported(
    http: httpx.AsyncClient,
    fake_openai: RunningFake[OpenAi],
    fault: Fault,
    status: int,
    retry_after: str,
) -> None:
    fake_openai.server.faults.append(fault)
    response = await post(http)
    assert_problem(response, status)
    assert response.headers["retry-after"] == retry_after


@pytest.mark.parametrize(("speech", "status"), SPEECHES.values(), ids=SPEECHES)
async def test_fault_during_stream_returns_no_plan(
    http: httpx.AsyncClient, fake_openai: RunningFake[OpenAi], speech: Scripted, status: int
) -> None:
    fake_openai.fake.script.append(speech)
    assert_problem(await post(http), status)


async def test_repeated_invalid_plans_are_reported(
    http: httpx.AsyncClient, fake_openai: RunningFake[OpenAi]
) -> None:
    fake_openai.fake.script += [Scripted(Speech(function="make_session", arguments="{"))] * 2
    assert_problem(await post(http), 502)
