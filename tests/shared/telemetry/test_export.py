"""Exported traces and metrics, as a collector receives them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from starlette.types import ASGIApp

import functions.ai.main
import functions.social.main
from scripts.client.person import Person
from scripts.fakes.revenuecat import SUBSCRIBER
from scripts.fakes.settings import WEB_KEY, local_services
from scripts.local.ports import url
from shared.backups.backups import Backups
from shared.backups.folder import Folder
from shared.backups.retention import Retention
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
from tests.shared.backups.content import pieces
from tests.shared.telemetry.receiver import Point, Receiver

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "SECRET-in-the-address"  # noqa: S105 - a made-up value
SESSION_ATTRIBUTES = {"areasToWorkout": ["legs"], "volume": 0, "exerciseToKilograms": {}}
SESSION_REQUEST = {"attributes": {**SESSION_ATTRIBUTES, "useImperialUnits": False}}


class ScriptedProvider:
    """Purchase provider with one scripted answer per call; None is an outage."""

    def __init__(self, *answers: bool | None) -> None:
        self._answers = iter(answers)

    async def find_purchase(self, token: str, _now: datetime) -> Purchase | None:
        answer = next(self._answers)
        if answer is None:
            raise DependencyUnavailable("the provider", 1)
        return Purchase.of(token) if answer else None


@pytest.fixture(scope="module")
async def received(
    database: Database, existing_user: Person, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Receiver]:
    """Fake collector after operations that emit every metric."""
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
        await sign_ins(database, existing_user)
        await too_large_requests(database)
        await session_plans(database)
        await purchases(database)
        await refusals(database)
        await connections()
        await deletions(database)
        await backups(tmp_path_factory.mktemp("backups"))
        await asyncio.to_thread(close_export, 20)
        yield receiver


async def deletions(database: Database) -> None:
    """Delete an account, and run the cleanup."""
    now = datetime.now(UTC)
    users = Users(database)
    user = await users.create(PasswordHash("", b""), now)
    account = await users.get_account(user.id)
    await Deletion(database, DeletedUsers(database)).delete(account, now)
    await Bench(Work(2)).clean()


async def backups(folder: Path) -> None:
    """Store a backup twice, then in a place that is not a folder."""
    retention, now = Retention(30, 90, 1000, 1000), datetime.now(UTC)
    file = folder / "file"
    file.touch()
    for _ in range(2):
        await Backups(Folder(folder), retention).store(SECRET, pieces(b"backup"), None, now)
    with pytest.raises(DependencyUnavailable):
        await Backups(Folder(file), retention).store(SECRET, pieces(b"backup"), None, now)


async def sign_ins(database: Database, existing_user: Person) -> None:
    """Sign in twice, then send requests that must not appear in the export."""
    dependencies = [Dependency("store", database.check)]
    app = build_app(functions.social.main.routes(database), dependencies=dependencies)
    credentials = {"userId": existing_user.id, "password": existing_user.password}
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    async with client(app) as http:
        for _ in range(2):
            await http.post("/v2/inbox", json=credentials, headers=headers)
        await http.get(f"/{SECRET}?password={SECRET}", headers={"traceparent": SECRET})
        await http.get("/health")
        await http.get("/health/ready")
        await http.get("/nowhere", headers={"traceparent": f"00-{TRACE}-{SPAN}-00"})


async def too_large_requests(database: Database) -> None:
    """Exceed each kind of limit of a request, then violate the contract in another way."""
    message = {"toUserId": str(uuid4())}
    async with client(build_app(functions.social.main.routes(database))) as http:
        for method, body, status in (
            ("PUT", {**message, "encryptedMessage": ["AAAA"] * 21}, 400),
            ("PUT", {**message, "encryptedMessage": ["AAAA" * 342]}, 400),
            ("PUT", {**message, "encryptedMessage": ["AAAA" * 20_000]}, 413),
            ("POST", {"userId": str(uuid4()), "password": "x" * 41}, 400),
            ("POST", {"userId": "x", "password": ""}, 400),
        ):
            response = await http.request(method, "/v2/inbox", json=body)
            assert response.status_code == status


async def session_plans(database: Database) -> None:
    """Request a session plan as two kinds of subscribers."""
    async with open_client() as outgoing:
        resources = SubscriberResources(database, outgoing, Secrets(SecretSettings()))
        app = build_app(functions.ai.main.routes(resources))
        async with client(app) as http:
            for token in (f"RevenueCat {SUBSCRIBER}-{uuid4()}", f"Web {WEB_KEY}"):
                headers = {"Authorization": token}
                response = await http.post("/ai/session", json=SESSION_REQUEST, headers=headers)
                assert response.status_code == 200, response.text


async def purchases(database: Database) -> None:
    """Check purchases with every outcome."""
    now = datetime.now(UTC)
    provider = ScriptedProvider(True, None, False, None)  # noqa: FBT003 - answers in order
    google = CachedVerifier("Google", provider, Verifications(database), PurchaseSettings())
    token = str(uuid4())
    for at in (now, now, now + timedelta(hours=2)):
        assert await google.find_purchase(token, at)
    assert not await google.find_purchase("refused", now)
    with pytest.raises(DependencyUnavailable):
        await google.find_purchase("unknown", now)


async def refusals(database: Database) -> None:
    """Exceed a rate limit."""
    limits = RateLimits("ai", 1, 1, Quotas(database), RateLimitSettings())
    subscriber, now = Subscriber("Google", Purchase.of(str(uuid4()))), datetime.now(UTC)
    await limits.admit(subscriber, now)
    with pytest.raises(RateLimited):
        await limits.admit(subscriber, now)


async def connections() -> None:
    """Connect two clients one after the other."""
    with serve_chat(single_hub(FakeHub)) as running:
        async with running.connect_to_hub():
            pass
        await until(lambda: running.handlers.connection_count == 0)
        async with running.connect_to_hub():
            pass


def client(app: ASGIApp) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://x", timeout=60)


def values(received: Receiver, metric: metrics.Metric, **attributes: str | int) -> list[float]:
    """Return the values of a metric with these attributes."""
    expected = {metric.keywords[name]: value for name, value in attributes.items()}
    points = received.points(metric.name)
    return [point.value for point in points if expected.items() <= point.attributes.items()]


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_exported_metric_matches_its_declaration(
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
        assert missing <= {"error.type"}  # for failures only
    if metric.kind == "histogram":
        assert tuple(got.histogram.data_points[0].explicit_bounds) == metric.buckets


def test_request_duration_has_route_and_status(received: Receiver) -> None:
    def seconds(route: str, status: int, method: str = "POST") -> list[float]:
        return values(
            received,
            metrics.REQUEST_DURATION,
            http_request_method=method,
            http_route=route,
            http_response_status_code=status,
        )

    assert 0 < seconds("/inbox", 200)[0] < 60
    assert len(seconds("(no such route)", 404, "GET")) == 1
    routes = {
        point.attributes["http.route"] for point in received.points(metrics.REQUEST_DURATION.name)
    }
    assert routes == {"/inbox", "(no such route)", "/ai/session"}


def test_round_trips_and_documents_have_the_route(received: Receiver) -> None:
    [round_trips] = values(received, metrics.ROUND_TRIPS, http_route="/inbox")
    [documents] = values(received, metrics.DOCUMENTS_READ, http_route="/inbox")
    assert round_trips >= 2 * 2  # two requests with a read and a query each
    assert documents >= 2 * 2


def test_too_large_requests_are_counted_by_route_and_part(received: Receiver) -> None:
    def count(method: str, part: str) -> list[float]:
        return values(
            received,
            metrics.TOO_LARGE_REQUESTS,
            http_request_method=method,
            http_route="/inbox",
            part=part,
        )

    assert count("PUT", "field") == [2]
    assert count("PUT", "body") == [1]
    assert count("POST", "field") == [1]
    assert count("POST", "body") == []


def test_password_and_purchase_checks_have_outcomes(received: Receiver) -> None:
    assert values(received, metrics.PASSWORD_CHECKS, outcome="hashed") == [1]
    assert values(received, metrics.PASSWORD_CHECKS, outcome="remembered") == [1]
    for outcome in ("confirmed", "remembered", "trusted", "refused", "unknown"):
        assert values(
            received, metrics.PURCHASE_VERIFICATIONS, store="Google", outcome=outcome
        ) == [1]
    assert values(received, metrics.PURCHASE_VERIFICATIONS, store="RevenueCat") == [1]


def test_model_usage_is_measured(received: Receiver) -> None:
    model = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "openai"}
    for kind in ("input", "output"):
        assert values(received, metrics.TOKEN_USAGE, **model, gen_ai_token_type=kind)[0] > 1
    [seconds] = values(received, metrics.OPERATION_DURATION, **model)
    assert 0 < seconds < 60


def test_refusals_connections_deletions_are_counted(received: Receiver) -> None:
    assert values(received, metrics.RATE_LIMIT_REFUSALS, bucket="ai") == [1]
    assert received.points(metrics.CHAT_CONNECTIONS.name) == [Point({}, 0)]
    assert values(received, metrics.DELETIONS, kind="accounts") == [1]
    assert values(received, metrics.DELETIONS, kind="work") == [20]


def test_uploads_of_backups_are_counted_by_outcome(received: Receiver) -> None:
    for outcome in ("stored", "unchanged", "failed"):
        assert values(received, metrics.BACKUPS, outcome=outcome) == [1]


def test_request_span_is_parent_of_database_spans(received: Receiver) -> None:
    spans = [span for span in received.spans if span.trace_id.hex() == TRACE]
    servers = [span for span in spans if span.kind == span.SPAN_KIND_SERVER]
    parents = [(span.name, span.parent_span_id.hex()) for span in servers]
    assert parents == [("POST /inbox", SPAN)] * 2
    for server in servers:
        children = [span for span in spans if span.parent_span_id == server.span_id]
        assert {"store read", "store query"} <= {span.name for span in children}
        for span in children:
            assert span.kind == span.SPAN_KIND_CLIENT
            assert server.start_time_unix_nano <= span.start_time_unix_nano
            assert span.start_time_unix_nano <= span.end_time_unix_nano


def test_calls_to_model_and_provider_have_spans(received: Receiver) -> None:
    by_id = {span.span_id: span for span in received.spans}
    for name in ("chat fake", "ask RevenueCat"):
        span = next(span for span in received.spans if span.name == name)
        assert by_id[span.parent_span_id].name == "POST /ai/session"


def test_unsampled_request_has_no_span(received: Receiver) -> None:
    assert not [span for span in received.spans if span.parent_span_id.hex() == SPAN][2:]


def test_export_contains_no_data_of_requests(received: Receiver) -> None:
    assert "GET (no such route)" in {span.name for span in received.spans}
    exported = repr(received.spans) + repr(received.metrics)
    assert SECRET not in exported
    assert WEB_KEY not in exported


def test_resource_identifies_the_instance(received: Receiver) -> None:
    resources = list(received.resources())
    assert len({resource["service.instance.id"] for resource in resources}) == 1
    for resource in resources:
        assert resource["service.name"] == "everything"
        assert resource["service.version"] == "everything-00001"
        assert resource["gcp.project_id"] == "a-project"
        assert resource["cloud.region"] == "us-central1"  # Google rejects metrics without it
