"""JSON log lines: severities, fields, trace ids and reports for Error Reporting."""

import json
import logging

import pytest

from shared.telemetry.current_request import (
    CurrentRequest,
    reset_current_request,
    set_current_request,
)
from shared.telemetry.json_lines import JsonFormatter
from shared.telemetry.settings import TelemetrySettings
from tests.shared.telemetry.log_output import JSON, SECRET, OwnError, caught, json_entry, output


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        (5, "DEBUG"),
        (logging.DEBUG, "DEBUG"),
        (logging.INFO, "INFO"),
        (25, "INFO"),
        (logging.WARNING, "WARNING"),
        (logging.ERROR, "ERROR"),
        (logging.CRITICAL, "CRITICAL"),
    ],
)
def test_level_becomes_severity_of_cloud_logging(level: int, severity: str) -> None:
    record = logging.LogRecord("x", level, "f", 1, "m", None, None)
    assert json.loads(JSON.format(record))["severity"] == severity


def test_json_fields_do_not_replace_basic_fields() -> None:
    fields = {"kept": 1, "severity": "EMERGENCY", "message": "other", "time": "never"}
    entry = json_entry(lambda log: log.info("mine", extra={"json_fields": fields}))
    assert (entry["kept"], entry["severity"], entry["message"]) == (1, "INFO", "mine")
    assert entry["time"] != "never"


def test_line_outside_of_requests_has_no_trace() -> None:
    entry = json_entry(lambda log: log.info("x"))
    assert not [name for name in entry if "trace" in name or "span" in name]


def test_trace_without_project_is_the_bare_trace_id() -> None:
    settings = TelemetrySettings.model_construct(project=None, service=None, revision=None)
    request = CurrentRequest("GET", "a" * 32, "b" * 16, None, is_sampled=False)
    token = set_current_request(request)
    try:
        line = output(lambda log: log.info("x"), JsonFormatter(settings))
    finally:
        reset_current_request(token)
    entry = json.loads(line)
    assert entry["logging.googleapis.com/trace"] == "a" * 32
    assert "logging.googleapis.com/labels" not in entry


def test_error_outside_of_requests_is_reported() -> None:
    entry = json_entry(lambda log: log.error("broken", exc_info=caught()))
    assert entry["@type"].endswith("ReportedErrorEvent")
    assert entry["serviceContext"] == {"service": "users", "version": "users-00007"}
    assert entry["context"]["reportLocation"]["functionName"] == "fail"
    assert entry["context"].keys() == {"reportLocation"}
    assert entry["stack_trace"].endswith("log_output.OwnError")
    assert SECRET not in json.dumps(entry)


def test_error_without_traceback_has_location_of_log_call() -> None:
    entry = json_entry(lambda log: log.error("broken", exc_info=OwnError(SECRET)))
    assert entry["context"]["reportLocation"]["filePath"] == __file__


@pytest.mark.parametrize("fields", [{"x": float("inf")}, {(1, 2): 3}], ids=["infinity", "key"])
def test_report_survives_invalid_json_fields(fields: dict[object, float]) -> None:
    entry = json_entry(lambda log: log.error("x", exc_info=caught(), extra={"json_fields": fields}))
    assert entry["stack_trace"].endswith("OwnError")


def test_line_breaks_in_message_stay_in_one_line() -> None:
    assert len(output(lambda log: log.info("a\nb\r\n"), JSON).splitlines()) == 1
