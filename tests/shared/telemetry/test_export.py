"""Traces and metrics, as a collector gets them."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

import functions.ai.main
import functions.social.main
from scripts.client.person import Person
from scripts.fakes.revenuecat import SUBSCRIBER
from scripts.fakes.settings import WEB_KEY, local_services
from scripts.local.ports import url
from scripts.root import ROOT
from shared.clients.http import open_client
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.errors import DependencyUnavailable, RateLimited
from shared.limits.rate_limits import RateLimits
from shared.limits.settings import RateLimitSettings
from shared.purchases.authenticator import Purchase, Subscriber
from shared.purchases.cached_verifier import CachedVerifier
from shared.purchases.settings import PurchaseSettings
from shared.store.database import Database
from shared.store.deleted_users import DeletedUsers
from shared.store.deletion import Deletion
from shared.store.quotas import Quotas
from shared.store.users import PasswordHash, Users
from shared.store.verifications import Verifications
from shared.telemetry import metrics
from shared.telemetry.metrics import ALL
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.signals import close_export, prepare_export
from shared.web.app import build_app
from shared.web.readiness import Dependency
from shared.web.subscribers import SubscriberResources
from tests import stack
from tests.functions.chat.fake_hub import FakeHub
from tests.functions.chat.running_chat import serve_chat, single_hub
from tests.functions.cleanup.test_cleaner import Bench, Work
from tests.loopback import served, until
from tests.shared.telemetry.receiver import Point, Receiver

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "SECRET-in-the-address"  # noqa: S105 - one that we made up
WISH = {
    "attributes": {
        "areasToWorkout": ["legs"],
        "volume": 0,
        "exerciseToKilograms": {},
        "useImperialUnits": False,
    }
}


class Store:
    """A store of purchases that says what it is told to; None is an outage."""

    def __init__(self, *says: bool | None) -> None:
        self._says = iter(says)

    async def find_purchase(self, token: str, _now: datetime) -> Purchase | None:
        answer = next(self._says)
        if answer is None:
            raise DependencyUnavailable("the store", 1)
        return Purchase.of(token) if answer else None


@pytest.fixture(scope="module")
async def received(database: Database, somebody: Person) -> AsyncIterator[Receiver]:
    """What a collector has after everything happened that there is a metric for."""
    receiver = Receiver()
    with served(receiver) as address, pytest.MonkeyPatch.context() as environment:
        for name, value in local_services({}, url(stack.current().fakes)).items():
            environment.setenv(name, value)
        prepare_export(
            TelemetrySettings(
                project="a-project",
                service="everything",
                revision="everything-00001",
                region="us-central1",
                export="otlp",
                otlp_endpoint=address,
            )
        )
        await store_requests(database, somebody)
        await plans(database)
        await purchases(database)
        await refusals(database)
        await connections()
        await deletions(database)
        await asyncio.to_thread(close_export, 20)
        yield receiver


async def deletions(database: Database) -> None:
    """Delete an account, and clean up."""
    now = datetime.now(UTC)
    users = Users(database)
    user = await users.create(PasswordHash("", b""), now)
    account = await users.get_account(user.id)
    await Deletion(database, DeletedUsers(database)).delete(account, now)
    await Bench(Work(2)).clean()


async def store_requests(database: Database, somebody: Person) -> None:
    """Sign in twice, by a process that does not know the password yet."""
    dependencies = [Dependency("store", database.check)]
    app = build_app(functions.social.main.routes(database), dependencies=dependencies)
    credentials = {"userId": somebody.id, "password": somebody.password}
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    async with client(app) as http:
        for _ in range(2):
            await http.post("/v2/inbox", json=credentials, headers=headers)
        await http.get(f"/{SECRET}?password={SECRET}", headers={"traceparent": SECRET})
        await http.get("/health")
        await http.get("/health/ready")
        await http.get("/nowhere", headers={"traceparent": f"00-{TRACE}-{SPAN}-00"})


async def plans(database: Database) -> None:
    """Have a session made for a subscriber."""
    async with open_client() as outgoing:
        resources = SubscriberResources(database, outgoing, Secrets(SecretSettings()))
        app = build_app(functions.ai.main.routes(resources))
        async with client(app) as http:
            for token in (f"RevenueCat {SUBSCRIBER}-{uuid4()}", f"Web {WEB_KEY}"):
                headers = {"Authorization": token}
                answer = await http.post("/ai/session", json=WISH, headers=headers)
                assert answer.status_code == 200, answer.text


async def purchases(database: Database) -> None:
    """Ask about purchases in every way, and be answered so."""
    now = datetime.now(UTC)
    store = Store(True, None, False, None)  # noqa: FBT003 - its answers, in order
    google = CachedVerifier("Google", store, Verifications(database), PurchaseSettings())
    token = str(uuid4())
    for at in (now, now, now + timedelta(hours=2)):
        assert await google.find_purchase(token, at)
    assert not await google.find_purchase("refused", now)
    with pytest.raises(DependencyUnavailable):
        await google.find_purchase("unknown", now)


async def refusals(database: Database) -> None:
    """Ask more often than one may."""
    limits = RateLimits("ai", 1, 1, Quotas(database), RateLimitSettings())
    subscriber, now = Subscriber("Google", Purchase.of(str(uuid4()))), datetime.now(UTC)
    await limits.admit(subscriber, now)
    with pytest.raises(RateLimited):
        await limits.admit(subscriber, now)


async def connections() -> None:
    """Leave one client connected of two, as the collector sees it."""
    with serve_chat(single_hub(FakeHub)) as running:
        async with running.connect_to_hub():
            pass
        await until(lambda: running.handlers.connection_count == 0)
        async with running.connect_to_hub():
            pass


def client(app: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://x", timeout=60)


def emitted(received: Receiver, metric: metrics.Metric, **attributes: Any) -> list[float]:
    """Return the values of a metric that have these attributes."""
    wanted = {metric.keywords[name]: value for name, value in attributes.items()}
    points = received.points(metric.name)
    return [point.value for point in points if wanted.items() <= point.attributes.items()]


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_every_metric_is_emitted_as_it_is_declared(
    received: Receiver, metric: metrics.Metric
) -> None:
    got = received.metrics[metric.name]
    assert (got.unit, got.description) == (metric.unit, metric.description)
    kinds = {"counter": "sum", "up-down counter": "sum", "histogram": "histogram"}
    assert got.WhichOneof("data") == kinds[metric.kind]
    assert got.sum.is_monotonic == (metric.kind == "counter")
    points = received.points(metric.name)
    assert points
    for point in points:
        assert point.attributes.keys() <= set(metric.attributes)
        missing = set(metric.attributes) - point.attributes.keys()
        assert missing <= {"error.type"}  # which only failures have
    if metric.kind == "histogram":
        assert tuple(got.histogram.data_points[0].explicit_bounds) == metric.buckets


def test_requests_are_measured_by_route_and_status(received: Receiver) -> None:
    def seconds(route: str, status: int, method: str = "POST") -> list[float]:
        return emitted(
            received,
            metrics.REQUESTS,
            http_request_method=method,
            http_route=route,
            http_response_status_code=status,
        )

    assert 0 < seconds("/inbox", 200)[0] < 60
    assert len(seconds("(no such route)", 404, "GET")) == 1
    routes = {point.attributes["http.route"] for point in received.points(metrics.REQUESTS.name)}
    assert routes == {"/inbox", "(no such route)", "/ai/session"}


def test_round_trips_and_documents_are_measured_by_route(received: Receiver) -> None:
    [round_trips] = emitted(received, metrics.ROUND_TRIPS, http_route="/inbox")
    [documents] = emitted(received, metrics.DOCUMENTS, http_route="/inbox")
    assert round_trips >= 2 * 2  # two requests, each of a read and a query
    assert documents >= 2 * 2


def test_passwords_and_purchases_are_counted_by_what_they_cost(received: Receiver) -> None:
    assert emitted(received, metrics.PASSWORDS, outcome="hashed") == [1]
    assert emitted(received, metrics.PASSWORDS, outcome="remembered") == [1]
    outcomes = ("confirmed", "remembered", "trusted", "refused", "unknown")
    for outcome in outcomes:
        assert emitted(received, metrics.PURCHASES, store="Google", outcome=outcome) == [1]
    assert emitted(received, metrics.PURCHASES, store="RevenueCat") == [1]


def test_what_the_model_did_is_measured(received: Receiver) -> None:
    model = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "openai"}
    for kind in ("input", "output"):
        assert emitted(received, metrics.TOKENS, **model, gen_ai_token_type=kind)[0] > 1
    [seconds] = emitted(received, metrics.REPLIES, **model)
    assert 0 < seconds < 60


def test_refusals_connections_and_deletions_are_counted(received: Receiver) -> None:
    assert emitted(received, metrics.REFUSALS, bucket="ai") == [1]
    assert received.points(metrics.CONNECTIONS.name) == [Point({}, 0)]
    assert emitted(received, metrics.DELETIONS, kind="accounts") == [1]
    assert emitted(received, metrics.DELETIONS, kind="work") == [20]


def test_a_requests_span_continues_the_trace_and_has_the_stores_calls_below_it(
    received: Receiver,
) -> None:
    spans = [span for span in received.spans if span.trace_id.hex() == TRACE]
    servers = [span for span in spans if span.kind == span.SPAN_KIND_SERVER]
    assert [(span.name, span.parent_span_id.hex()) for span in servers] == [
        ("POST /inbox", SPAN)
    ] * 2
    for server in servers:
        below = [span for span in spans if span.parent_span_id == server.span_id]
        assert {"store read", "store query"} <= {span.name for span in below}
        for span in below:
            assert span.kind == span.SPAN_KIND_CLIENT
            assert server.start_time_unix_nano <= span.start_time_unix_nano
            assert span.start_time_unix_nano <= span.end_time_unix_nano


def test_calls_of_the_model_and_of_purchase_stores_have_spans(received: Receiver) -> None:
    by_id = {span.span_id: span for span in received.spans}
    for name in ("chat fake", "ask RevenueCat"):
        span = next(span for span in received.spans if span.name == name)
        assert by_id[span.parent_span_id].name == "POST /ai/session"


def test_what_the_caller_does_not_sample_has_no_span(received: Receiver) -> None:
    assert not [span for span in received.spans if span.parent_span_id.hex() == SPAN][2:]


def test_nothing_of_a_request_is_in_what_is_exported(received: Receiver) -> None:
    names = {span.name for span in received.spans}
    assert "GET (no such route)" in names
    everything = repr(received.spans) + repr(received.metrics)
    assert SECRET not in everything
    assert WEB_KEY not in everything


def test_all_comes_from_one_instance_that_says_who_it_is(received: Receiver) -> None:
    resources = list(received.resources())
    assert len({resource["service.instance.id"] for resource in resources}) == 1
    for resource in resources:
        assert resource["service.name"] == "everything"
        assert resource["service.version"] == "everything-00001"
        assert resource["gcp.project_id"] == "a-project"
        assert resource["cloud.region"] == "us-central1"  # or Google would take no metric


def test_the_readme_shows_every_metric_as_it_is() -> None:
    rows = re.findall(
        r"^\| `([a-z_.]+)` \| ([a-z -]+) \| `([^`]+)` \| (.*?) \| (.+) \|$",
        (ROOT / "README.md").read_text(),
        re.MULTILINE,
    )
    assert [
        (name, kind, unit, tuple(re.findall(r"`([^`]+)`", attributes)), description)
        for name, kind, unit, attributes, description in rows
    ] == [(m.name, m.kind, m.unit, m.attributes, m.description) for m in ALL]
