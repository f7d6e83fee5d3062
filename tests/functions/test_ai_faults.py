"""What a subscriber is told when the model fails, whichever way."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

import functions.ai.main
from scripts.fakes.conversation import Speech
from scripts.fakes.faults import Failing, Fault
from scripts.fakes.openai import OpenAi, Scripted
from shared.clients.http import open_client
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.store.database import Database
from shared.web.app import build_app
from shared.web.subscribers import SubscriberResources
from tests.functions.test_ai import SESSION
from tests.functions.test_general import assert_problem
from tests.loopback import served

KEY = "SECRET-web-key-of-faults"


@pytest.fixture(scope="module")
def openai() -> OpenAi:
    return OpenAi(tokens_per_s=0)


@pytest.fixture(scope="module")
def server(openai: OpenAi) -> Failing:
    return openai.app()


@pytest.fixture(scope="module")
def address(server: Failing) -> Iterator[str]:
    with served(server) as address:
        yield address


@pytest.fixture
async def http(
    address: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """The function in this process, with a model that may not be silent for long."""
    settings = {
        "OPENAI_API_KEY": "any",
        "OPENAI_BASE_URL": f"{address}/v1",
        "OPENAI_RETRIES": "0",
        "OPENAI_SILENCE_S": "0.5",
        "TEST_MODE": "True",
        "WEB_AUTH_KEY": KEY,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    async with open_client() as outgoing:
        resources = SubscriberResources(database, outgoing, Secrets(SecretSettings()))
        app = build_app(functions.ai.main.routes(resources))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://ai") as http:
            yield http


FAULTS = {
    "overloaded": (Fault(429, headers={"Retry-After": "37"}), 503, "37"),
    "broken": (Fault(500), 502, "10"),
    "our key is refused": (Fault(401), 502, "10"),
    "cut": (Fault(is_cut=True), 502, "10"),
    "silent": (Fault(is_silent=True), 504, "10"),
}
SPEECHES = {
    "silent in the middle": (Scripted(Speech(text="Well, "), silent_after=1), 504),
    "cut in the middle": (Scripted(Speech(text="Well, "), cut_after=1), 502),
    "a refusal": (Scripted(Speech(refusal="No.")), 502),
}


async def ask(http: httpx.AsyncClient) -> httpx.Response:
    headers = {"Authorization": f"Web {KEY}"}
    return await http.post("/v2/ai/session", json={"attributes": SESSION}, headers=headers)


@pytest.mark.parametrize(("fault", "status", "retry_after"), FAULTS.values(), ids=FAULTS)
async def test_a_fault_of_the_models_server_is_told(
    http: httpx.AsyncClient, server: Failing, fault: Fault, status: int, retry_after: str
) -> None:
    server.faults.append(fault)
    answer = await ask(http)
    assert_problem(answer, status)
    assert answer.headers["retry-after"] == retry_after


@pytest.mark.parametrize(("speech", "status"), SPEECHES.values(), ids=SPEECHES)
async def test_a_fault_in_the_middle_is_told_and_is_no_plan(
    http: httpx.AsyncClient, openai: OpenAi, speech: Scripted, status: int
) -> None:
    openai.script.append(speech)
    assert_problem(await ask(http), status)


async def test_answers_that_never_fit_are_told(http: httpx.AsyncClient, openai: OpenAi) -> None:
    openai.script += [Scripted(Speech(function="make_session", arguments="{"))] * 2
    assert_problem(await ask(http), 502)
