"""Log lines of a function's process, as Cloud Logging receives them."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts.local.services import command, runtime_folder
from scripts.local.stack import free_ports
from scripts.root import ROOT
from tests.shared.telemetry.function_process import (
    FUNCTION,
    SECRET,
    SPAN,
    TRACE,
    TRACEPARENT,
    FunctionProcess,
    running_function,
)

_PREFIX = "logging.googleapis.com/"
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FunctionProcess]:
    with running_function(tmp_path_factory.mktemp("function")) as running:
        yield running


def test_request_writes_one_line(function: FunctionProcess) -> None:
    before = datetime.now(UTC)
    [line] = function.entries_of(f"/nowhere/{SECRET}?password={SECRET}", TRACEPARENT)
    logged_at = line.pop("time")
    assert _RFC_3339.fullmatch(logged_at)
    assert before <= datetime.fromisoformat(logged_at) <= datetime.now(UTC)
    latency = line["httpRequest"].pop("latency")
    assert re.fullmatch(r"\d+\.\d{3}s", latency)
    milliseconds = line.pop("duration_ms")
    assert 0 < milliseconds < 10_000
    assert re.fullmatch(r"GET \(no such route\) 404 \d+ ms", line.pop("message"))
    assert line == {
        "severity": "INFO",
        "logger": "shared.web.request_log",
        f"{_PREFIX}trace": f"projects/a-project/traces/{TRACE}",
        f"{_PREFIX}spanId": SPAN,
        f"{_PREFIX}trace_sampled": True,
        f"{_PREFIX}labels": {"function": "users", "revision": "users-00042-xyz"},
        "httpRequest": {
            "requestMethod": "GET",
            "requestUrl": "(no such route)",
            "status": 404,
            "responseSize": "118",
            "protocol": "HTTP/1.1",
        },
        "route": "(no such route)",
        "status": 404,
        "round_trips": 0,
        "documents_read": 0,
    }


def test_cloud_trace_header_selects_the_trace(function: FunctionProcess) -> None:
    header = {"X-Cloud-Trace-Context": f"{TRACE.upper()}/255;o=0"}
    [line] = function.entries_of("/nowhere", header)
    assert line[f"{_PREFIX}trace"] == f"projects/a-project/traces/{TRACE}"
    assert line[f"{_PREFIX}spanId"] == "00000000000000ff"
    assert line[f"{_PREFIX}trace_sampled"] is False


def test_lines_of_request_share_a_new_trace_without_headers(
    function: FunctionProcess,
) -> None:
    first = function.entries_of("/fail/fail", count=2)
    second = function.entries_of("/fail/fail", count=2)
    traces = [{line[f"{_PREFIX}trace"] for line in lines} for lines in (first, second)]
    assert [len(each) for each in traces] == [1, 1]
    assert traces[0] != traces[1]


def test_error_is_reported_to_error_reporting(function: FunctionProcess) -> None:
    report, request = function.entries_of("/v2/fail/fail", TRACEPARENT, count=2)
    assert request["severity"] == "ERROR"
    assert request["httpRequest"]["status"] == 500
    stack_trace = report.pop("stack_trace")
    assert stack_trace.startswith("Traceback (most recent call last):\n  File ")
    assert stack_trace.endswith("in fail\n    raise ValueError(MESSAGE)\nValueError")
    place = report["context"]["reportLocation"]
    assert (Path(place.pop("filePath")), place.pop("functionName")) == (FUNCTION, "fail")
    assert "raise" in FUNCTION.read_text().splitlines()[place.pop("lineNumber") - 1]
    source = report.pop(f"{_PREFIX}sourceLocation")
    assert source["file"].endswith("shared/web/boundary.py")
    assert source["line"].isdigit()
    assert _RFC_3339.fullmatch(report.pop("time"))
    assert report == {
        "@type": "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1"
        ".ReportedErrorEvent",
        "severity": "ERROR",
        "message": "ValueError in GET /fail/{how}",
        "logger": "shared.web.boundary",
        "serviceContext": {"service": "users", "version": "users-00042-xyz"},
        "context": {
            "httpRequest": {"method": "GET", "url": "/fail/{how}", "responseStatusCode": 500},
            "reportLocation": {},
        },
        f"{_PREFIX}trace": f"projects/a-project/traces/{TRACE}",
        f"{_PREFIX}spanId": SPAN,
        f"{_PREFIX}trace_sampled": True,
        f"{_PREFIX}labels": {"function": "users", "revision": "users-00042-xyz"},
    }


@pytest.mark.parametrize(
    ("how", "logger", "kinds"),
    [
        ("in_a_chain", "shared.web.boundary", ["ValueError", "LookupError"]),
        ("in_a_group", "shared.web.boundary", ["ValueError", "ExceptionGroup"]),
        ("in_a_task", "asyncio", ["ValueError"]),
        ("in_a_call", "asyncio", ["ValueError"]),
        ("in_a_thread", "shared.telemetry.logs", ["ValueError"]),
        ("in_a_library", "another.library", ["ValueError"]),
    ],
)
def test_errors_are_reported_without_their_messages(
    function: FunctionProcess, how: str, logger: str, kinds: list[str]
) -> None:
    reports = [line for line in function.entries_of(f"/fail/{how}", count=2) if "@type" in line]
    assert [report["logger"] for report in reports] == [logger]
    lines = reports[0]["stack_trace"].splitlines()
    assert [line for line in lines if line in kinds] == kinds


def test_error_outside_of_the_app_is_reported_without_path(
    function: FunctionProcess,
) -> None:
    [line] = function.entries_of(f"/outside/{SECRET}")
    assert (line["severity"], line["logger"]) == ("ERROR", "root")
    assert line["message"] == "unhandled exception"
    assert line["stack_trace"].endswith("\nValueError")
    assert line["context"]["reportLocation"]["functionName"] == "fail"


def test_python_warning_is_a_json_line(function: FunctionProcess) -> None:
    warning, request = function.entries_of("/fail/with_a_warning", count=2)
    assert (warning["severity"], warning["logger"]) == ("WARNING", "py.warnings")
    assert warning["message"].endswith("UserWarning: careful")
    assert request["severity"] == "INFO"


def test_outage_is_a_warning_without_report(function: FunctionProcess) -> None:
    [line] = function.entries_of("/fail/in_an_outage")
    assert (line["severity"], line["status"]) == ("WARNING", 503)
    assert "@type" not in line


def test_server_lines_are_json_lines(tmp_path: Path) -> None:
    with running_function(tmp_path, GUNICORN_LOG_LEVEL="info") as function:
        assert function.get("/health") == 200
        loggers = [line["logger"] for line in function.entries()]
    assert set(loggers) == {"gunicorn.error", "uvicorn.error"}


def test_text_format_writes_short_lines(tmp_path: Path) -> None:
    with running_function(tmp_path, LOG_FORMAT="text") as function:
        function.get("/fail/in_an_outage")
        function.get("/health")
        [line] = function.lines()
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d WARNING users   [0-9a-f]{4} GET /fail/\{how\} 503 \d+ ms: "
        "the database is unavailable at the moment",
        line,
    )


def test_failed_start_names_the_invalid_setting(tmp_path: Path) -> None:
    port = free_ports().base
    finished = subprocess.run(
        command("users", port),
        env={**os.environ, "PYTHONPATH": str(ROOT), "LOG_FORMAT": SECRET},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    shutil.rmtree(runtime_folder(port))
    assert finished.returncode != 0
    assert "LOG_FORMAT: Input should be" in finished.stderr
    assert SECRET not in finished.stderr
