"""Two instances of `ai` whose store and model are the tests' own: what is counted, what ends."""

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
from scripts.local.services import Emulators, command, environment, runtime_folder
from scripts.local.stack import free_ports
from shared.purchases.authenticator import Purchase, Subscriber
from shared.store.data_model import RATE_LIMITS
from shared.store.database import Database
from tests import stack
from tests.functions.test_ai import SESSION
from tests.functions.test_general import assert_problem
from tests.loopback import served, until

BODY = {"attributes": SESSION}
DAY_S = 24 * 3600
WEB_KEY = f"SECRET-{uuid4()}"


@dataclass
class Instances:
    """Where they listen, and what stands behind them."""

    urls: list[str]
    openai: OpenAi
    shop: revenuecat.RevenueCat
    http: httpx.AsyncClient

    async def ask(self, token: str, instance: int = 0, body: object = None) -> httpx.Response:
        return await self.http.post(
            f"{self.urls[instance]}/v2/ai/session",
            json=BODY if body is None else body,
            headers={"Authorization": token},
        )


@pytest.fixture(scope="module")
def instances(http: httpx.AsyncClient) -> Iterator[Instances]:
    openai, shop = OpenAi(tokens_per_s=0), revenuecat.RevenueCat()
    ports = free_ports()
    with contextlib.ExitStack() as everything:
        model = everything.enter_context(served(openai.app()))
        store = everything.enter_context(served(shop.app()))
        processes = everything.enter_context(Processes())
        settings = {
            **environment(Emulators.of(stack.current()), fakes=store),
            "OPENAI_BASE_URL": f"{model}/v1",
            "REVENUECAT_URL": store,
            "WEB_AUTH_KEY": WEB_KEY,
            "RATE_LIMIT_DATABASE": "limits",
        }
        log = stack.log_folder() / f"instances-{ports.base}.log"
        for port in (ports.base, ports.base + 1):
            processes.start(f"ai at {port}", command("ai", port), settings, log)
        for port in (ports.base, ports.base + 1):
            processes.wait_until_healthy(port, "/health")
        yield Instances([url(ports.base), url(ports.base + 1)], openai, shop, http)
    for port in (ports.base, ports.base + 1):
        shutil.rmtree(runtime_folder(port), ignore_errors=True)


@pytest.fixture
def customer() -> str:
    return f"{revenuecat.SUBSCRIBER}-{uuid4()}"


async def test_60_requests_at_once_with_one_token_are_20_plans_and_40_refusals(
    instances: Instances, customer: str
) -> None:
    token = f"RevenueCat {customer}"
    begin = time.monotonic()
    answers = await asyncio.gather(*(instances.ask(token, n % 2) for n in range(60)))
    took_s = time.monotonic() - begin
    assert Counter(answer.status_code for answer in answers) == {200: 20, 429: 40}
    for answer in answers:
        if answer.status_code == 429:
            assert_problem(answer, 429)
            # Who is refused may have come before the last who passed.
            assert abs(int(answer.headers["retry-after"]) - DAY_S) <= took_s + 1


async def test_requests_are_counted_in_the_database_that_is_set(
    instances: Instances, customer: str, database: Database
) -> None:
    assert (await instances.ask(f"RevenueCat {customer}")).status_code == 200
    key = f"ai-{Subscriber('RevenueCat', Purchase.of(customer)).key}"
    counted = {
        name: await place.document(RATE_LIMITS, key).get()
        for name, place in {"limits": database.named("limits"), "usual": database}.items()
    }
    assert {name: document.exists for name, document in counted.items()} == {
        "limits": True,
        "usual": False,
    }


async def test_who_is_refused_for_another_reason_uses_up_nothing(
    instances: Instances, customer: str
) -> None:
    token = f"RevenueCat {customer}"
    wrong = {"attributes": {**SESSION, "volume": 101}}
    for body in [wrong] * 20:
        assert (await instances.ask(token, body=body)).status_code == 400
    answers = await asyncio.gather(*(instances.ask(token) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert (await instances.ask(token)).status_code == 429


async def test_a_hundred_requests_ask_the_store_once_and_another_instance_not_at_all(
    instances: Instances, customer: str
) -> None:
    token = f"RevenueCat {customer}"
    answers = await asyncio.gather(*(instances.ask(token) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200, 429}
    assert instances.shop.asked.count(customer) == 1
    assert (await instances.ask(token, instance=1)).status_code == 429
    assert instances.shop.asked.count(customer) == 1


async def test_a_client_that_hangs_up_ends_the_models_work(
    instances: Instances, customer: str
) -> None:
    endless = Scripted(Speech(function="make_session", arguments="{" * 500), silent_after=5)
    instances.openai.script.append(endless)
    asking = asyncio.create_task(instances.ask(f"RevenueCat {customer}"))
    await until(lambda: instances.openai.talking == 1)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    await until(lambda: instances.openai.talking == 0)
    assert (await instances.ask(f"RevenueCat {customer}")).status_code == 200


@pytest.mark.parametrize(
    ("speech", "status"),
    [
        (Scripted(Speech(refusal="no")), 502),
        (Scripted(Speech(function="make_session", arguments="{}"), cut_after=1), 502),
    ],
    ids=["refusal", "cut"],
)
async def test_a_model_that_fails_is_no_plan(
    instances: Instances, customer: str, speech: Scripted, status: int
) -> None:
    instances.openai.script.append(speech)
    answer = await instances.ask(f"RevenueCat {customer}")
    assert_problem(answer, status)
    assert int(answer.headers["retry-after"]) > 0


async def test_the_web_key_is_limited_to_a_hundred(instances: Instances) -> None:
    answers = await asyncio.gather(*(instances.ask(f"Web {WEB_KEY}", n % 2) for n in range(110)))
    assert Counter(answer.status_code for answer in answers) == {200: 100, 429: 10}
