"""Metrics and spans without export, before the exporter is loaded, and after its failure."""

import logging
import socket
import sys
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from scripts.local.ports import HOST, SERVICES
from shared.telemetry import metrics
from shared.telemetry.current_request import (
    CurrentRequest,
    reset_current_request,
    set_current_request,
)
from shared.telemetry.metrics import Metric
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.signals import (
    add,
    close_export,
    is_exporting,
    prepare_export,
    span,
    start_export,
)
from shared.web.request_log import RequestLog
from tests.loopback import served, until
from tests.service_start import start
from tests.shared.telemetry.function_process import TRACE, TRACEPARENT, running_function
from tests.shared.telemetry.receiver import Receiver, read


@pytest.fixture(autouse=True)
def _export_off() -> Iterator[None]:
    """Switch the export off after each test, and wait for its threads."""
    yield
    close_export(20)
    deadline = time.monotonic() + 120
    while any(thread.name.startswith(("Otel", "telemetry")) for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.05)  # these threads draw random numbers, which hypothesis detects in a test
    prepare_export(TelemetrySettings(export="off"))


def export_to(endpoint: str) -> None:
    prepare_export(TelemetrySettings.model_validate({"export": "otlp", "otlp_endpoint": endpoint}))


def unused_address() -> str:
    with socket.create_server((HOST, 0)) as probe:
        return f"http://{HOST}:{probe.getsockname()[1]}"


async def send_request(app: ASGIApp | None = None) -> httpx.Response:
    transport = httpx.ASGITransport(RequestLog(app or PlainTextResponse("fine")))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        return await http.get("/", headers=TRACEPARENT)


@pytest.mark.parametrize("export", ["off", "otlp"])
def test_add_rejects_metric_outside_of_the_table(export: str) -> None:
    prepare_export(TelemetrySettings.model_validate({"export": export}))
    unknown = Metric("liftlog.other", "counter", "1", "x")
    copy = Metric(
        metrics.PASSWORD_CHECKS.name, "counter", "{check}", "x", metrics.PASSWORD_CHECKS.attributes
    )
    with pytest.raises(ValueError, match="no such metric"):
        add(unknown, 1)
    with pytest.raises(ValueError, match="no such metric"):
        add(copy, 1, outcome="hashed")


@pytest.mark.parametrize(
    "attributes",
    [{}, {"outcome": "hashed", "user": "x"}, {"outcomes": "hashed"}],
    ids=["missing", "additional", "misspelled"],
)
def test_add_rejects_undeclared_attributes(attributes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="no such metric"):
        add(metrics.PASSWORD_CHECKS, 1, **attributes)


def test_metric_names_are_unique() -> None:
    assert len(metrics.BY_NAME) == len(metrics.ALL)


async def test_span_does_nothing_without_export() -> None:
    prepare_export(TelemetrySettings(export="off"))
    assert not is_exporting()
    start_export()
    token = set_current_request(CurrentRequest("GET", TRACE, "b" * 16, None, is_sampled=True))
    try:
        assert span("x") is span("y")
    finally:
        reset_current_request(token)


@pytest.mark.parametrize("service", SERVICES)
def test_service_without_export_loads_no_sdk(service: str) -> None:
    loaded = start(service).modules
    assert not [name for name in loaded if name.startswith("opentelemetry.sdk")]
    assert not [name for name in loaded if name.startswith("opentelemetry.exporter")]


async def test_signals_before_first_response_are_exported() -> None:
    receiver = Receiver()
    with served(receiver) as address:
        export_to(address)
        add(metrics.PASSWORD_CHECKS, 1, outcome="hashed")
        assert not receiver.requests
        assert (await send_request()).status_code == 200
        add(metrics.PASSWORD_CHECKS, 2, outcome="hashed")
        close_export(20)
    assert [point.value for point in receiver.points(metrics.PASSWORD_CHECKS.name)] == [3]
    assert [each.name for each in receiver.spans] == ["GET (no such route)"]


_REJECTED = ExportTraceServiceResponse(
    partial_success=ExportTracePartialSuccess(rejected_spans=1, error_message="SECRET-words")
).SerializeToString()


@pytest.mark.parametrize(
    ("receiver", "cause"),
    [
        (None, "no response"),
        (Receiver(status=HTTPStatus.BAD_REQUEST), "status 400"),
        (Receiver(status=HTTPStatus.FORBIDDEN, body=b"SECRET-words"), "status 403"),
        (Receiver(status=HTTPStatus.FOUND), "status 302"),
        (Receiver(body=_REJECTED), "some items were rejected"),
        (Receiver(delay_s=3600), "no response"),
    ],
    ids=["no server", "bad request", "forbidden", "redirect", "partial success", "hangs"],
)
async def test_failing_collector_is_logged_once(
    receiver: Receiver | None,
    cause: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with served(receiver or Receiver()) as address:
        export_to(unused_address() if receiver is None else address)
        await send_request()
        for _ in range(3):
            assert (await send_request()).status_code == 200
        await until(lambda: bool(warnings(caplog)))
        await send_request()
        close_export(1)
    logged = warnings(caplog)
    logger = "shared.telemetry.export"
    assert logged[0] == (logger, f"spans cannot be exported: {cause}")
    # Metrics are exported once a minute, so their first failure is logged at the end or not at all.
    assert logged[1:] in ([], [(logger, f"metrics cannot be exported: {cause}")])


def warnings(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    records = [record for record in caplog.records if record.levelno >= logging.WARNING]
    return [(record.name, record.getMessage()) for record in records]


async def test_requests_do_not_wait_for_hanging_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    receiver = Receiver(delay_s=3600)
    with served(receiver) as address:
        export_to(address)
        await send_request()
        await until(lambda: receiver.requests > 0)
        for _ in range(40):
            await send_request()
        # If requests waited for their export, the receiver would get one export per request.
        assert receiver.requests < 20


async def test_missing_credentials_switch_export_off(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none"))
    prepare_export(TelemetrySettings(export="google", region="us-central1"))
    await assert_export_ends(caplog)


async def test_failed_import_switches_export_off(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "shared.telemetry.export", None)
    export_to("http://127.0.0.1:1")
    await assert_export_ends(caplog)


async def assert_export_ends(caplog: pytest.LogCaptureFixture) -> None:
    """Check that the first request switches the export off, with one ERROR line."""
    await send_request()
    await until(lambda: not is_exporting())
    assert (await send_request()).status_code == 200
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.getMessage() for record in errors] == ["telemetry cannot be exported"]


@pytest.mark.parametrize(("status", "is_error"), [(404, False), (500, True), (503, True)])
async def test_request_span_is_an_error_from_status_500(status: int, *, is_error: bool) -> None:
    receiver = Receiver()
    with served(receiver) as address:
        export_to(address)
        await send_request(PlainTextResponse("x", status))
        close_export(20)
    [span] = receiver.spans
    assert span.status.code == (2 if is_error else 0)
    assert ("error.type" in read(span.attributes)) == is_error


def test_export_to_google_requires_the_region() -> None:
    with pytest.raises(ValueError, match="TELEMETRY_REGION"):
        TelemetrySettings(export="google")


def test_function_process_exports_the_span_of_its_log_lines(tmp_path: Path) -> None:
    receiver = Receiver()
    with (
        served(receiver) as address,
        running_function(
            tmp_path,
            TELEMETRY_EXPORT="otlp",
            OTEL_EXPORTER_OTLP_ENDPOINT=address,
            OTEL_BSP_SCHEDULE_DELAY="50",
            OTEL_METRIC_EXPORT_INTERVAL="100",
        ) as function,
    ):
        [line] = function.entries_of("/fail/in_an_outage", TRACEPARENT)
        deadline = time.monotonic() + 120
        while not (receiver.spans and receiver.metrics) and time.monotonic() < deadline:
            time.sleep(0.05)
    [exported] = receiver.spans
    assert (exported.name, exported.trace_id.hex()) == ("GET /fail/{how}", TRACE)
    assert line["logging.googleapis.com/spanId"] == exported.span_id.hex()
    assert exported.parent_span_id.hex() in TRACEPARENT["traceparent"]
    assert exported.span_id != exported.parent_span_id
    [point] = receiver.points(metrics.REQUEST_DURATION.name)
    assert point.attributes["http.response.status_code"] == 503
    assert {each["service.version"] for each in receiver.resources()} == {"users-00042-xyz"}
