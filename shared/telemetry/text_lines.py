"""Log format for terminals: one short line per record."""

import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TextIO

from shared.telemetry import redaction
from shared.telemetry.current_request import current_request
from shared.telemetry.tracebacks import format_traceback

# Escape sequences in a message could change the terminal's state or fake other lines.
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TRACE_DIGITS = 4  # enough to distinguish concurrent requests
_RED, _YELLOW, _GREY, _RESET = "\x1b[31m", "\x1b[33m", "\x1b[90m", "\x1b[0m"
_COLOURS = ((logging.ERROR, _RED), (logging.WARNING, _YELLOW), (logging.INFO, ""))


class TextFormatter(logging.Formatter):
    """Formats time, level, function, the first digits of the trace id, and the message.

    The line of a request also has its number of round trips to the database.

    Args:
        function_of: returns the function's name for a route, or for None outside of requests.
        is_coloured: whether the level selects a colour.
    """

    def __init__(self, function_of: Callable[[str | None], str], *, is_coloured: bool) -> None:
        super().__init__()
        self._function_of = function_of
        self._is_coloured = is_coloured

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for `record`, followed by its traceback; never raises."""
        try:
            return self._line(record)
        except Exception:  # noqa: BLE001 - a log call must not fail a request
            return f"{record.levelname} {_printable(redaction.redact_message(record))}"

    def _line(self, record: logging.LogRecord) -> str:
        request = current_request()
        function = self._function_of(request.route if request else None)
        time = datetime.fromtimestamp(record.created).astimezone()
        message = _printable(redaction.redact_message(record)) + _round_trips(record)
        trace = request.trace_id[:_TRACE_DIGITS] if request else ""
        columns = f"{record.levelname:<7} {function:<7} {trace:<{_TRACE_DIGITS}}"
        line = f"{time:%H:%M:%S} {columns} {message}"
        if (error := redaction.find_error(record)) is not None:
            line += "\n" + format_traceback(error)
        return self._coloured(line, record.levelno) if self._is_coloured else line

    def _coloured(self, text: str, level: int) -> str:
        colour = next((colour for lowest, colour in _COLOURS if level >= lowest), _GREY)
        return f"{colour}{text}{_RESET}" if colour else text


def _printable(text: str) -> str:
    return _CONTROL_CHARACTERS.sub(" ", text)


def _round_trips(record: logging.LogRecord) -> str:
    count = getattr(record, "json_fields", {}).get("round_trips")
    if not count:
        return ""
    return f", {count} round trip{'' if count == 1 else 's'}"


def is_colour_enabled(stream: TextIO | None, environment: Mapping[str, str]) -> bool:
    """Return whether to colour the output to `stream`.

    Source: https://no-color.org, https://force-color.org
    """
    if environment.get("NO_COLOR"):
        return False
    return bool(environment.get("FORCE_COLOR")) or (stream is not None and stream.isatty())
