"""Log records as people read them, one short line each."""

import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TextIO

from shared.telemetry import redaction
from shared.telemetry.current_request import current_request
from shared.telemetry.tracebacks import stack_trace

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ENOUGH = 4  # to tell the requests apart that are served at the same time
_RED, _YELLOW, _GREY, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[90m", "\x1b[0m"
_COLOURS = ((logging.ERROR, _RED), (logging.WARNING, _YELLOW), (logging.INFO, ""))


class TextFormatter(logging.Formatter):
    """Writes time, level, function, the beginning of the trace's id, and the message.

    A request is told with its round trips.

    Args:
        function_of: names the function that a route belongs to; None stands for no route.
        is_coloured: whether the level shows by a colour, too.
    """

    def __init__(self, function_of: Callable[[str | None], str], *, is_coloured: bool) -> None:
        super().__init__()
        self._function_of = function_of
        self._is_coloured = is_coloured

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for `record`, and its traceback; never raises."""
        try:
            return self._line(record)
        except Exception:  # noqa: BLE001 - a line that cannot be written must not fail a request
            return f"{record.levelname} {_CONTROLS.sub(' ', redaction.message(record))}"

    def _line(self, record: logging.LogRecord) -> str:
        request = current_request()
        function = self._function_of(request.route if request else None)
        at = datetime.fromtimestamp(record.created).astimezone()
        said = _CONTROLS.sub(" ", redaction.message(record)) + _round_trips(record)
        trace = request.trace_id[:_ENOUGH] if request else ""
        text = f"{at:%H:%M:%S} {record.levelname:<7} {function:<7} {trace:<{_ENOUGH}} {said}"
        if (error := redaction.error(record)) is not None:
            text += "\n" + stack_trace(error)
        return self._coloured(text, record.levelno) if self._is_coloured else text

    def _coloured(self, text: str, level: int) -> str:
        colour = next((colour for least, colour in _COLOURS if level >= least), _GREY)
        return f"{colour}{text}{_PLAIN}" if colour else text


def _round_trips(record: logging.LogRecord) -> str:
    count = getattr(record, "json_fields", {}).get("round_trips")
    if not count:
        return ""
    return f", {count} round trip{'' if count == 1 else 's'}"


def is_colour_wanted(stream: TextIO | None, environment: Mapping[str, str]) -> bool:
    """Whether what goes to `stream` should be coloured.

    Source: https://no-color.org, https://force-color.org
    """
    if environment.get("NO_COLOR"):
        return False
    return bool(environment.get("FORCE_COLOR")) or (stream is not None and stream.isatty())
