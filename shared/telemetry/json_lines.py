"""Log records as Cloud Logging and Error Reporting read them: one JSON object per line.

Source: https://cloud.google.com/logging/docs/structured-logging (special fields), and
https://cloud.google.com/error-reporting/docs/formatting-error-messages
"""

import json
import logging
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from shared.telemetry import redaction
from shared.telemetry.current_request import CurrentRequest, current_request
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.tracebacks import location, stack_trace

_OURS = "logging.googleapis.com/"
_REPORT = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
_NAMELESS = "liftlog"

Fields = dict[str, Any]


class JsonFormatter(logging.Formatter):
    """Writes entries for the process that `settings` describe.

    Own fields come as `extra={"json_fields": {...}, "http_request": {...}}`, named as in Google's
    logging library. A record with an exception becomes a report of Error Reporting.
    """

    def __init__(self, settings: TelemetrySettings) -> None:
        super().__init__()
        self._traces = f"projects/{settings.project}/traces/" if settings.project else ""
        labels = {"function": settings.service, "revision": settings.revision}
        self._labels = {name: value for name, value in labels.items() if value}
        self._service = {"service": settings.service or _NAMELESS}
        if settings.revision:
            self._service["version"] = settings.revision

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for `record`; never raises."""
        for own in (getattr(record, "json_fields", {}), {}):
            try:
                entry = self._entry(record, own)
                return json.dumps(entry, default=_name_of_class, allow_nan=False)
            except Exception:  # noqa: BLE001, S112 - a line must not fail a request
                continue
        plain = {"severity": _severity(record.levelno), "message": redaction.message(record)}
        return json.dumps({**plain, "logger": str(record.name)})

    def _entry(self, record: logging.LogRecord, own: Fields) -> Fields:
        at = datetime.fromtimestamp(record.created, UTC)
        said: Fields = {
            "severity": _severity(record.levelno),
            "message": redaction.message(record),
            "time": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "logger": record.name,
        }
        entry: Fields = {**own}
        request, error = current_request(), redaction.error(record)
        if error is not None:
            entry |= self._report(error, record, request)
        if request is not None:
            entry[f"{_OURS}trace"] = self._traces + request.trace_id
            entry[f"{_OURS}spanId"] = request.span_id
            entry[f"{_OURS}trace_sampled"] = request.is_sampled
        if self._labels:
            entry[f"{_OURS}labels"] = self._labels
        if record.levelno >= logging.WARNING:
            entry[f"{_OURS}sourceLocation"] = {
                "file": record.pathname,
                "line": str(record.lineno),
                "function": record.funcName,
            }
        if (http_request := getattr(record, "http_request", None)) is not None:
            entry["httpRequest"] = http_request
        return {**said, **entry, **said}  # these come first, and own fields take nobody's place

    def _report(
        self, error: BaseException, record: logging.LogRecord, request: CurrentRequest | None
    ) -> Fields:
        """Return what makes an entry a report; of its texts, `stack_trace` is evaluated first."""
        frame = location(error.__traceback__)
        place = (record.pathname, record.lineno, record.funcName)
        if frame is not None:
            place = (frame.filename, frame.lineno or 0, frame.name)
        context: Fields = {
            "reportLocation": dict(
                zip(("filePath", "lineNumber", "functionName"), place, strict=True)
            )
        }
        if request is not None:
            context["httpRequest"] = {
                "method": request.method,
                "url": request.route,
                "responseStatusCode": request.status or HTTPStatus.INTERNAL_SERVER_ERROR.value,
            }
        return {
            "@type": _REPORT,
            "serviceContext": self._service,
            "context": context,
            "stack_trace": stack_trace(error),
        }


def _severity(level: int) -> str:
    for least in (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO):
        if level >= least:
            return logging.getLevelName(least)
    return "DEBUG"


def _name_of_class(value: object) -> str:
    return type(value).__name__
