"""What the Functions Framework's process says, as Cloud Logging gets it."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from scripts.local.ports import url
from scripts.local.processes import Processes
from scripts.local.services import command, runtime_folder
from scripts.local.stack import free_ports
from scripts.root import ROOT

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
FUNCTION = Path(__file__).with_name("broken_function.py")
_OURS = "logging.googleapis.com/"
_SECRET = "SECRET"  # noqa: S105 - what all made-up ones have in them
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class Framework:
    """A function's process, and what it says."""

    def __init__(self, port: int, log: Path) -> None:
        self._port = port
        self._log = log

    def get(self, path: str, headers: dict[str, str] | None = None) -> int:
        """Send a request; return the status."""
        return httpx.get(url(self._port) + path, headers=headers).status_code

    def said(self, *, after: int = 0) -> list[dict[str, Any]]:
        """Return all lines from the one of that number on, each of which has to be JSON."""
        return [json.loads(line) for line in self.lines()[after:]]

    def lines(self) -> list[str]:
        """Return all lines."""
        return self._log.read_text().splitlines()

    def said_of(
        self, path: str, headers: dict[str, str] | None = None, *, lines: int = 1
    ) -> list[dict[str, Any]]:
        """Send a request; return what it left, which are so many lines: they follow the answer."""
        before = len(self.lines())
        self.get(path, headers)
        deadline = time.monotonic() + 120
        while len(self.lines()) < before + lines and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.said(after=before)


@contextmanager
def served(folder: Path, **environment: str) -> Iterator[Framework]:
    port, log = free_ports().base, folder / "log"
    framework, *others = command("users", port)[1:]
    words = [str(FUNCTION) if word.endswith("main.py") else word for word in others]
    settings = {
        "PYTHONPATH": str(ROOT),
        "FUNCTION_USE_ASGI": "true",
        "LOG_EXECUTION_ID": "true",
        "GOOGLE_CLOUD_PROJECT": "a-project",
        "K_SERVICE": "users",
        "K_REVISION": "users-00042-xyz",
        **environment,
    }
    with Processes() as processes:
        processes.start("the function", ["env", framework, *words], settings, log)
        processes.wait_until_healthy(port, "/health")
        yield Framework(port, log)
        assert _SECRET not in log.read_text()
    shutil.rmtree(runtime_folder(port), ignore_errors=True)


@pytest.fixture(scope="module")
def framework(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Framework]:
    with served(tmp_path_factory.mktemp("framework")) as running:
        yield running


def test_a_request_is_one_line_in_cloud_loggings_form(framework: Framework) -> None:
    before = datetime.now(UTC)
    [line] = framework.said_of(f"/nowhere/{_SECRET}?password={_SECRET}", TRACEPARENT)
    told_at = line.pop("time")
    assert _RFC_3339.fullmatch(told_at)
    assert before <= datetime.fromisoformat(told_at) <= datetime.now(UTC)
    latency = line["httpRequest"].pop("latency")
    assert re.fullmatch(r"\d+\.\d{3}s", latency)
    milliseconds = line.pop("duration_ms")
    assert 0 < milliseconds < 10_000
    assert re.fullmatch(r"GET \(no such route\) 404 \d+ ms", line.pop("message"))
    assert line == {
        "severity": "INFO",
        "logger": "shared.web.request_log",
        f"{_OURS}trace": f"projects/a-project/traces/{TRACE}",
        f"{_OURS}spanId": SPAN,
        f"{_OURS}trace_sampled": True,
        f"{_OURS}labels": {"function": "users", "revision": "users-00042-xyz"},
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


def test_googles_own_header_names_the_trace_too(framework: Framework) -> None:
    header = {"X-Cloud-Trace-Context": f"{TRACE.upper()}/255;o=0"}
    [line] = framework.said_of("/nowhere", header)
    assert line[f"{_OURS}trace"] == f"projects/a-project/traces/{TRACE}"
    assert line[f"{_OURS}spanId"] == "00000000000000ff"
    assert line[f"{_OURS}trace_sampled"] is False


def test_without_a_header_all_lines_of_a_request_have_a_trace_of_their_own(
    framework: Framework,
) -> None:
    first = framework.said_of("/fail/fail", lines=2)
    second = framework.said_of("/fail/fail", lines=2)
    traces = [{line[f"{_OURS}trace"] for line in lines} for lines in (first, second)]
    assert [len(each) for each in traces] == [1, 1]
    assert traces[0] != traces[1]


def test_an_error_is_a_report_for_error_reporting(framework: Framework) -> None:
    report, request = framework.said_of("/v2/fail/fail", TRACEPARENT, lines=2)
    assert request["severity"] == "ERROR"
    assert request["httpRequest"]["status"] == 500
    stack_trace = report.pop("stack_trace")
    assert stack_trace.startswith("Traceback (most recent call last):\n  File ")
    assert stack_trace.endswith("in fail\n    raise ValueError(MESSAGE)\nValueError")
    place = report["context"]["reportLocation"]
    assert (Path(place.pop("filePath")), place.pop("functionName")) == (FUNCTION, "fail")
    assert "raise" in FUNCTION.read_text().splitlines()[place.pop("lineNumber") - 1]
    source = report.pop(f"{_OURS}sourceLocation")
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
        f"{_OURS}trace": f"projects/a-project/traces/{TRACE}",
        f"{_OURS}spanId": SPAN,
        f"{_OURS}trace_sampled": True,
        f"{_OURS}labels": {"function": "users", "revision": "users-00042-xyz"},
    }


@pytest.mark.parametrize(
    ("how", "logger", "kinds"),
    [
        ("in_a_chain", "shared.web.boundary", ["ValueError", "LookupError"]),
        ("in_a_group", "shared.web.boundary", ["ValueError", "ExceptionGroup"]),
        ("in_a_task", "asyncio", ["ValueError"]),
        ("in_a_call", "asyncio", ["ValueError"]),
        ("in_a_thread", "shared.telemetry.logs", ["ValueError"]),
        ("in_a_library", "somebody.elses", ["ValueError"]),
    ],
)
def test_errors_anywhere_are_reported_without_their_messages(
    framework: Framework, how: str, logger: str, kinds: list[str]
) -> None:
    reports = [line for line in framework.said_of(f"/fail/{how}", lines=2) if "@type" in line]
    assert [report["logger"] for report in reports] == [logger]
    lines = reports[0]["stack_trace"].splitlines()
    assert [line for line in lines if line in kinds] == kinds


def test_what_the_framework_itself_catches_is_reported_without_path_and_message(
    framework: Framework,
) -> None:
    [line] = framework.said_of(f"/outside/{_SECRET}")
    assert (line["severity"], line["logger"]) == ("ERROR", "root")
    assert line["message"] == "an exception that nobody handled"
    assert line["stack_trace"].endswith("\nValueError")
    assert line["context"]["reportLocation"]["functionName"] == "fail"


def test_warnings_come_in_the_same_form(framework: Framework) -> None:
    warning, request = framework.said_of("/fail/with_a_warning", lines=2)
    assert (warning["severity"], warning["logger"]) == ("WARNING", "py.warnings")
    assert warning["message"].endswith("UserWarning: careful")
    assert request["severity"] == "INFO"


def test_an_outage_is_a_warning_and_no_report(framework: Framework) -> None:
    [line] = framework.said_of("/fail/in_an_outage")
    assert (line["severity"], line["status"]) == ("WARNING", 503)
    assert "@type" not in line


def test_what_gunicorn_says_comes_in_the_same_form(tmp_path: Path) -> None:
    with served(tmp_path, GUNICORN_LOG_LEVEL="info") as framework:
        assert framework.get("/health") == 200
        loggers = [line["logger"] for line in framework.said()]
    assert set(loggers) == {"gunicorn.error", "uvicorn.error"}


def test_for_people_the_same_is_short(tmp_path: Path) -> None:
    with served(tmp_path, LOG_FORMAT="text") as framework:
        framework.get("/fail/in_an_outage")
        framework.get("/health")
        [line] = framework.lines()
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d WARNING users   [0-9a-f]{4} GET /fail/\{how\} 503 \d+ ms: "
        "the store is unavailable at the moment",
        line,
    )


def test_a_start_that_fails_says_which_setting_is_wrong(tmp_path: Path) -> None:
    port = free_ports().base
    finished = subprocess.run(
        command("users", port),
        env={**os.environ, "PYTHONPATH": str(ROOT), "LOG_FORMAT": _SECRET},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    shutil.rmtree(runtime_folder(port))
    assert finished.returncode != 0
    assert "LOG_FORMAT: Input should be" in finished.stderr
    assert _SECRET not in finished.stderr
