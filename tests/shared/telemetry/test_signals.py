"""Metrics and spans before, without and despite the export."""

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
from tests.shared.telemetry.receiver import Receiver, read
from tests.shared.telemetry.test_framework import TRACE, TRACEPARENT
from tests.shared.telemetry.test_framework import served as served_function


@pytest.fixture(autouse=True)
def _off() -> Iterator[None]:
    yield
    close_export(20)
    deadline = time.monotonic() + 120
    while any(thread.name.startswith(("Otel", "telemetry")) for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.05)  # they draw random numbers, which hypothesis notices in other tests
    prepare_export(TelemetrySettings(export="off"))


def to(endpoint: str) -> None:
    """Export to an address."""
    prepare_export(TelemetrySettings.model_validate({"export": "otlp", "otlp_endpoint": endpoint}))


def nobodys_address() -> str:
    with socket.create_server((HOST, 0)) as probe:
        return f"http://{HOST}:{probe.getsockname()[1]}"


async def call(path: str = "/", app: ASGIApp | None = None) -> httpx.Response:
    transport = httpx.ASGITransport(RequestLog(app or PlainTextResponse("fine")))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        return await http.get(path, headers=TRACEPARENT)


@pytest.mark.parametrize("export", ["off", "otlp"])
def test_a_metric_that_is_not_in_the_table_cannot_be_added(export: str) -> None:
    prepare_export(TelemetrySettings.model_validate({"export": export}))
    another = Metric("liftlog.other", "counter", "1", "x")
    the_same = Metric(
        metrics.PASSWORD_CHECKS.name, "counter", "{check}", "x", metrics.PASSWORD_CHECKS.attributes
    )
    with pytest.raises(ValueError, match="no such metric"):
        add(another, 1)
    with pytest.raises(ValueError, match="no such metric"):
        add(the_same, 1, outcome="hashed")


def test_a_metric_has_its_attributes_and_no_others() -> None:
    for attributes in ({}, {"outcome": "hashed", "user": "x"}, {"outcomes": "hashed"}):
        with pytest.raises(ValueError, match="no such metric"):
            add(metrics.PASSWORD_CHECKS, 1, **attributes)


def test_names_in_the_table_are_there_once() -> None:
    assert len(metrics.BY_NAME) == len(metrics.ALL)


async def test_without_export_nothing_is_kept() -> None:
    prepare_export(TelemetrySettings(export="off"))
    assert not is_exporting()
    start_export()
    token = set_current_request(CurrentRequest("GET", TRACE, "b" * 16, None, is_sampled=True))
    try:
        assert span("x") is span("y")
    finally:
        reset_current_request(token)


@pytest.mark.parametrize("service", SERVICES)
def test_without_export_a_service_loads_nothing_of_opentelemetry(service: str) -> None:
    loaded = start(service).modules
    assert not [name for name in loaded if name.startswith("opentelemetry.sdk")]
    assert not [name for name in loaded if name.startswith("opentelemetry.exporter")]


async def test_what_was_counted_before_the_first_answer_is_exported() -> None:
    receiver = Receiver()
    with served(receiver) as address:
        to(address)
        add(metrics.PASSWORD_CHECKS, 1, outcome="hashed")
        assert not receiver.asked
        assert (await call()).status_code == 200
        add(metrics.PASSWORD_CHECKS, 2, outcome="hashed")
        close_export(20)
    assert [point.value for point in receiver.points(metrics.PASSWORD_CHECKS.name)] == [3]
    assert [each.name for each in receiver.spans] == ["GET (no such route)"]


async def test_what_is_kept_until_then_is_bounded() -> None:
    receiver = Receiver()
    with served(receiver) as address:
        to(address)
        for _ in range(20_000):
            add(metrics.PASSWORD_CHECKS, 1, outcome="hashed")
        await call()
        close_export(20)
    [point] = receiver.points(metrics.PASSWORD_CHECKS.name)
    assert 9_000 < point.value <= 10_000


_REJECTED = ExportTraceServiceResponse(
    partial_success=ExportTracePartialSuccess(rejected_spans=1, error_message="SECRET-words")
).SerializeToString()


@pytest.mark.parametrize(
    ("receiver", "reason"),
    [
        (None, "no answer"),
        (Receiver(status=HTTPStatus.BAD_REQUEST), "status 400"),
        (Receiver(status=HTTPStatus.FORBIDDEN, says=b"SECRET-words"), "status 403"),
        (Receiver(status=HTTPStatus.FOUND), "status 302"),
        (Receiver(says=_REJECTED), "not all of it was taken"),
        (Receiver(delay_s=3600), "no answer"),
    ],
    ids=["nobody", "refuses", "forbids", "sends elsewhere", "takes a part", "hangs"],
)
async def test_a_collector_that_fails_disturbs_nobody_and_is_told_once(
    receiver: Receiver | None,
    reason: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with served(receiver or Receiver()) as address:
        to(nobodys_address() if receiver is None else address)
        await call()
        for _ in range(3):
            assert (await call()).status_code == 200
        await until(lambda: bool(complaints(caplog)))
        await call()
        close_export(1)
    told = complaints(caplog)
    logger = "shared.telemetry.export"
    assert told[0] == (logger, f"spans cannot be exported: {reason}")
    assert told[1:] in ([], [(logger, f"metrics cannot be exported: {reason}")])


async def test_requests_do_not_wait_when_the_collector_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    receiver = Receiver(delay_s=3600)
    with served(receiver) as address:
        to(address)
        await call()
        await until(lambda: receiver.asked > 0)
        for _ in range(40):
            await call()
        # A request that waited for its export would cause one of its own.
        assert receiver.asked < 20


def complaints(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    loud = [record for record in caplog.records if record.levelno >= logging.WARNING]
    return [(record.name, record.getMessage()) for record in loud]


async def test_without_credentials_requests_are_served_and_somebody_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none"))
    prepare_export(TelemetrySettings(export="google", region="us-central1"))
    await call()
    await until(lambda: not is_exporting())
    assert (await call()).status_code == 200
    [told] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert told.getMessage() == "telemetry cannot be exported"


async def test_an_export_that_cannot_be_loaded_is_given_up(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "shared.telemetry.export", None)
    to("http://127.0.0.1:1")
    await call()
    await until(lambda: not is_exporting())
    assert (await call()).status_code == 200
    assert [told.message for told in caplog.records if told.levelno >= logging.ERROR] == [
        "telemetry cannot be exported"
    ]


@pytest.mark.parametrize(("status", "is_error"), [(404, False), (500, True), (503, True)])
async def test_the_span_of_a_request_that_we_failed_is_an_error(
    status: int, *, is_error: bool
) -> None:
    receiver = Receiver()
    with served(receiver) as address:
        to(address)
        await call(app=PlainTextResponse("x", status))
        close_export(20)
    [span] = receiver.spans
    assert span.status.code == (2 if is_error else 0)
    assert ("error.type" in read(span.attributes)) == is_error


def test_where_google_is_told_the_region_has_to_be_known() -> None:
    with pytest.raises(ValueError, match="TELEMETRY_REGION"):
        TelemetrySettings(export="google")


def test_a_functions_process_exports_and_its_lines_have_the_span(tmp_path: Path) -> None:
    receiver = Receiver()
    with (
        served(receiver) as address,
        served_function(
            tmp_path,
            TELEMETRY_EXPORT="otlp",
            OTEL_EXPORTER_OTLP_ENDPOINT=address,
            OTEL_BSP_SCHEDULE_DELAY="50",
            OTEL_METRIC_EXPORT_INTERVAL="100",
        ) as framework,
    ):
        [line] = framework.said_of("/fail/in_an_outage", TRACEPARENT)
        deadline = time.monotonic() + 120
        while not (receiver.spans and receiver.metrics) and time.monotonic() < deadline:
            time.sleep(0.05)
    [told] = receiver.spans
    assert (told.name, told.trace_id.hex()) == ("GET /fail/{how}", TRACE)
    assert line["logging.googleapis.com/spanId"] == told.span_id.hex()
    assert told.parent_span_id.hex() in TRACEPARENT["traceparent"]
    assert told.span_id != told.parent_span_id
    [point] = receiver.points(metrics.REQUEST_DURATION.name)
    assert point.attributes["http.response.status_code"] == 503
    assert {each["service.version"] for each in receiver.resources()} == {"users-00042-xyz"}
