"""Output of formatters for log calls, and exceptions with a secret message."""

import io
import json
import logging
from collections.abc import Callable
from typing import Any

from shared.telemetry.json_lines import JsonFormatter
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.text_lines import TextFormatter

SECRET = "SECRET-message"  # noqa: S105 - a made-up value

TEXT = TextFormatter(lambda _route: "users", is_coloured=False)
JSON = JsonFormatter(
    TelemetrySettings(project="p", service="users", revision="users-00007", log_format="json")
)

LogCall = Callable[[logging.Logger], object]


class OwnError(Exception):
    """An exception of this module."""


def fail() -> None:
    """Raise an exception with a secret message."""
    raise OwnError(SECRET)


def caught() -> OwnError:
    """Return an exception that has a traceback."""
    try:
        fail()
    except OwnError as error:
        return error
    raise AssertionError


def output(
    log_call: LogCall, formatter: logging.Formatter, logger_name: str = "tests.output"
) -> str:
    """Return the formatted output of `log_call`, which gets a logger of that name."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.getLogger(logger_name)
    logger.addHandler(handler)
    level, logger.level = logger.level, logging.DEBUG
    logger.propagate = False  # pytest's own handler fails on records that it cannot format
    try:
        log_call(logger)
    finally:
        logger.removeHandler(handler)
        logger.level = level
        logger.propagate = True
    return stream.getvalue()


def json_entry(log_call: LogCall) -> dict[str, Any]:
    """Return the only JSON line of `log_call`."""
    [line] = output(log_call, JSON).splitlines()
    entry: dict[str, Any] = json.loads(line)
    return entry
