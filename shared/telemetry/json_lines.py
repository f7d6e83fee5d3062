"""Log format for Cloud Logging and Error Reporting: one JSON object per line.

Source: https://cloud.google.com/logging/docs/structured-logging (special fields) and
https://cloud.google.com/error-reporting/docs/formatting-error-messages
"""

import json
import logging
from datetime import UTC, datetime
from http import HTTPStatus

from shared.telemetry import redaction
from shared.telemetry.current_request import CurrentRequest, current_request
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.tracebacks import find_location, format_traceback

_FIELD_PREFIX = "logging.googleapis.com/"
_REPORT_TYPE = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
_DEFAULT_SERVICE = "liftlog"

Fields = dict[str, object]


class JsonFormatter(logging.Formatter):
    """Formats records as log entries of the process that `settings` describe.

    Additional fields come as `extra={"json_fields": {...}, "http_request": {...}}`, the names of
    Google's logging library. A record with an exception becomes a report for Error Reporting.
    """

    def __init__(self, settings: TelemetrySettings) -> None:
        super().__init__()
        self._trace_prefix = f"projects/{settings.project}/traces/" if settings.project else ""
        labels = {"function": settings.service, "revision": settings.revision}
        self._labels = {name: value for name, value in labels.items() if value}
        self._service = {"service": settings.service or _DEFAULT_SERVICE}
        if settings.revision:
            self._service["version"] = settings.revision

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for `record`; never raises."""
        # Second try without the additional fields: they may contain values that JSON does not have.
        for additional in (getattr(record, "json_fields", {}), {}):
            try:
                entry = self._entry(record, additional)
                return json.dumps(entry, default=_class_name, allow_nan=False)
            except Exception:  # noqa: BLE001, S112 - a log call must not fail a request
                continue
        minimal = {
            "severity": _severity(record.levelno),
            "message": redaction.redact_message(record),
        }
        return json.dumps({**minimal, "logger": str(record.name)})

    def _entry(self, record: logging.LogRecord, additional: Fields) -> Fields:
        time = datetime.fromtimestamp(record.created, UTC)
        basic: Fields = {
            "severity": _severity(record.levelno),
            "message": redaction.redact_message(record),
            "time": time.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "logger": record.name,
        }
        entry: Fields = {**additional}
        request, error = current_request(), redaction.find_error(record)
        if error is not None:
            entry |= self._report(error, record, request)
        if request is not None:
            entry[f"{_FIELD_PREFIX}trace"] = self._trace_prefix + request.trace_id
            entry[f"{_FIELD_PREFIX}spanId"] = request.span_id
            entry[f"{_FIELD_PREFIX}trace_sampled"] = request.is_sampled
        if self._labels:
            entry[f"{_FIELD_PREFIX}labels"] = self._labels
        if record.levelno >= logging.WARNING:
            entry[f"{_FIELD_PREFIX}sourceLocation"] = {
                "file": record.pathname,
                "line": str(record.lineno),
                "function": record.funcName,
            }
        if (http_request := getattr(record, "http_request", None)) is not None:
            entry["httpRequest"] = http_request
        # `basic` twice: first for the order in the line, last so that no additional field replaces
        # a basic one.
        return {**basic, **entry, **basic}

    def _report(
        self, error: BaseException, record: logging.LogRecord, request: CurrentRequest | None
    ) -> Fields:
        """Return the fields of a report. Error Reporting reads `stack_trace` before `message`."""
        frame = find_location(error.__traceback__)
        if frame is None:
            path, line, function = record.pathname, record.lineno, record.funcName
        else:
            path, line, function = frame.filename, frame.lineno or 0, frame.name
        context: Fields = {
            "reportLocation": {"filePath": path, "lineNumber": line, "functionName": function}
        }
        if request is not None:
            context["httpRequest"] = {
                "method": request.method,
                "url": request.route,
                "responseStatusCode": request.status or HTTPStatus.INTERNAL_SERVER_ERROR.value,
            }
        return {
            "@type": _REPORT_TYPE,
            "serviceContext": self._service,
            "context": context,
            "stack_trace": format_traceback(error),
        }


def _severity(level: int) -> str:
    """Return the highest severity of Cloud Logging that `level` reaches."""
    for known in (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO):
        if level >= known:
            return logging.getLevelName(known)
    return "DEBUG"


def _class_name(value: object) -> str:
    return type(value).__name__
