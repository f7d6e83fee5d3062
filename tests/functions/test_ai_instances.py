"""Two instances of `ai` with a fake purchase provider and a fake model."""

import asyncio
import contextlib
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest

from scripts.fakes import revenuecat
from scripts.fakes.conversation import Speech
from scripts.fakes.openai import OpenAi, Scripted
from scripts.local.ports import url
from scripts.local.processes import Processes
from scripts.local.services import command, environment, runtime_folder
from scripts.local.stack import free_ports
from scripts.local.storage import VARIABLES, HasEnvironment
from shared.purchases.authenticator import Purchase, Subscriber
from shared.store.data_model import RATE_LIMITS
from shared.store.database import Database
from tests import stack
from tests.engines import on_firestore_only, parametrize_by_engine
from tests.fakes import FakeServers
from tests.functions.test_ai import SESSION
from tests.functions.test_general import assert_problem
from tests.loopback import until
from tests.stored_documents import exists

pytest_generate_tests = parametrize_by_engine

BODY = {"attributes": SESSION}
DAY_S = 24 * 3600
WEB_KEY = f"SECRET-{uuid4()}"


@dataclass
class Instances:
    """The URLs of the instances, and their fakes."""

    urls: list[str]
    openai: OpenAi
    revenuecat_fake: revenuecat.RevenueCat
    http: httpx.AsyncClient

    async def post(self, token: str, instance: int = 0, body: object = None) -> httpx.Response:
        return await self.http.post(
            f"{self.urls[instance]}/v2/ai/session",
            json=BODY if body is None else body,
            headers={"Authorization": token},
        )


@pytest.fixture(scope="module")
def instances(
    http: httpx.AsyncClient, fake_servers: FakeServers, storage: HasEnvironment
) -> Iterator[Instances]:
    # The names are unique: the instances use these URLs longer than one test.
    model = fake_servers.run("openai of instances", OpenAi(tokens_per_s=0))
    provider = fake_servers.run("revenuecat of instances", revenuecat.RevenueCat())
    ports = free_ports()
    with Processes() as processes:
        settings = {
            **dict.fromkeys(VARIABLES, ""),
            **environment(storage, fakes=provider.url),
            "OPENAI_BASE_URL": f"{model.url}/v1",
            "REVENUECAT_URL": provider.url,
            "WEB_AUTH_KEY": WEB_KEY,
            "RATE_LIMIT_DATABASE": "limits",
        }
        log = stack.log_folder() / f"instances-{ports.base}.log"
        for port in (ports.base, ports.base + 1):
            processes.start(f"ai at {port}", command("ai", port), settings, log)
        for port in (ports.base, ports.base + 1):
            processes.wait_until_healthy(port, "/health")
        urls = [url(ports.base), url(ports.base + 1)]
        yield Instances(urls, model.fake, provider.fake, http)
    for port in (ports.base, ports.base + 1):
        shutil.rmtree(runtime_folder(port), ignore_errors=True)


@pytest.fixture
def customer() -> str:
    return f"{revenuecat.SUBSCRIBER}-{uuid4()}"


async def test_concurrent_requests_respect_rate_limit(instances: Instances, customer: str) -> None:
    token = f"RevenueCat {customer}"
    start = time.monotonic()
    responses = await asyncio.gather(*(instances.post(token, n % 2) for n in range(60)))
    duration_s = time.monotonic() - start
    assert Counter(response.status_code for response in responses) == {200: 20, 429: 40}
    for response in responses:
        if response.status_code == 429:
            assert_problem(response, 429)
            # A rejected request can arrive before the last request that was admitted.
            assert abs(int(response.headers["retry-after"]) - DAY_S) <= duration_s + 1


@on_firestore_only
async def test_counters_use_the_configured_database(
    instances: Instances, customer: str, database: Database
) -> None:
    assert (await instances.post(f"RevenueCat {customer}")).status_code == 200
    key = f"ai-{Subscriber('RevenueCat', Purchase.of(customer)).key}"
    limits = database.named("limits")
    assert await exists(limits, limits.document(RATE_LIMITS, key))
    assert not await exists(database, database.document(RATE_LIMITS, key))


async def test_rejected_requests_are_not_counted(instances: Instances, customer: str) -> None:
    token = f"RevenueCat {customer}"
    wrong = {"attributes": {**SESSION, "volume": 101}}
    for body in [wrong] * 20:
        assert (await instances.post(token, body=body)).status_code == 400
    responses = await asyncio.gather(*(instances.post(token) for _ in range(20)))
    assert {response.status_code for response in responses} == {200}
    assert (await instances.post(token)).status_code == 429


async def test_concurrent_requests_verify_purchase_once(
    instances: Instances, customer: str
) -> None:
    token = f"RevenueCat {customer}"
    responses = await asyncio.gather(*(instances.post(token) for _ in range(100)))
    assert {response.status_code for response in responses} == {200, 429}
    assert instances.revenuecat_fake.asked.count(customer) == 1
    assert (await instances.post(token, instance=1)).status_code == 429
    assert instances.revenuecat_fake.asked.count(customer) == 1


async def test_disconnect_cancels_model_request(instances: Instances, customer: str) -> None:
    endless = Scripted(Speech(function="make_session", arguments="{" * 500), silent_after=5)
    instances.openai.script.append(endless)
    request = asyncio.create_task(instances.post(f"RevenueCat {customer}"))
    await until(lambda: instances.openai.open_streams == 1)
    request.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await request
    await until(lambda: instances.openai.open_streams == 0)
    assert (await instances.post(f"RevenueCat {customer}")).status_code == 200


@pytest.mark.parametrize(
    ("speech", "status"),
    [
        (Scripted(Speech(refusal="no")), 502),
        (Scripted(Speech(function="make_session", arguments="{}"), cut_after=1), 502),
    ],
    ids=["refusal", "cut"],
)
async def test_model_failure_returns_no_plan(
    instances: Instances, customer: str, speech: Scripted, status: int
) -> None:
    instances.openai.script.append(speech)
    response = await instances.post(f"RevenueCat {customer}")
    assert_problem(response, status)
    assert int(response.headers["retry-after"]) > 0


async def test_web_key_has_limit_of_100(instances: Instances) -> None:
    responses = await asyncio.gather(*(instances.post(f"Web {WEB_KEY}", n % 2) for n in range(110)))
    assert Counter(response.status_code for response in responses) == {200: 100, 429: 10}
