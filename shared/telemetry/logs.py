"""Where log lines go, and which do: every logger of the process through one handler."""

import logging
import os
import sys
import threading
from collections.abc import Callable
from types import TracebackType

from shared.telemetry.json_lines import JsonFormatter
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.text_lines import TextFormatter, is_colour_wanted

logger = logging.getLogger(__name__)

_OURS = ("functions", "shared")
_TALKATIVE = ("google", "httpcore2", "httpx2", "openai", "urllib3")
"""Libraries that write addresses at INFO and whole requests at DEBUG, with the tokens in them."""

_SERVERS = ("gunicorn.access", "gunicorn.error", "uvicorn.access", "uvicorn.error")
"""Loggers that get handlers of their own after a function is loaded, when gunicorn starts."""


class _Handler(logging.StreamHandler):  # type: ignore[type-arg] # takes none before Python 3.13
    """Writes lines to the standard error output; what cannot be written is lost without a word.

    That output is never buffered for long, keeps the order with what the interpreter itself says,
    and leaves the other to what commands print. It is the process's own: the Functions Framework
    puts another in its place while it serves a request.
    """

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__(sys.__stderr__)
        self.setFormatter(formatter)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Say nothing: the library would print the record's arguments."""


class _PastOtherHandlers(logging.Filter):
    """Hands on the records of a logger that no longer passes them on to the root."""

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__()
        self._handler = handler

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the logger's own handlers may have `record`, too."""
        if logging.getLogger(record.name).propagate:
            return True
        self._handler.handle(record)
        return False


def set_levels() -> None:
    """Let our own INFO lines through, and of libraries that know secrets only their warnings."""
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def set_up_logging(
    settings: TelemetrySettings, function_of: Callable[[str | None], str] | None = None
) -> None:
    """Write what any logger of this process says, as `settings` want it; harmless when repeated.

    Args:
        settings: what the process is, and the form of its lines.
        function_of: as `TextFormatter` wants it, for a process that serves several functions.
    """
    handler = _Handler(_formatter(settings, function_of))
    root = logging.getLogger()
    for old in [*root.handlers]:
        # The Functions Framework's own is one of the library's plain ones.
        if isinstance(old, _Handler) or type(old) is logging.StreamHandler:
            root.removeHandler(old)
    root.addHandler(handler)
    for name in _SERVERS:
        server = logging.getLogger(name)
        for other in [*server.filters]:
            if isinstance(other, _PastOtherHandlers):
                server.removeFilter(other)
        server.addFilter(_PastOtherHandlers(handler))
    for each in logging.root.manager.loggerDict.values():
        if isinstance(each, logging.Logger):
            # The framework silences those that it finds, asyncio's among them.
            each.disabled = False
    set_levels()
    _hear_what_nobody_caught()


def _hear_what_nobody_caught() -> None:
    logging.captureWarnings(capture=True)
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _tell_of_thread
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _tell_of_end
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _tell_of_unraisable


def _formatter(
    settings: TelemetrySettings, function_of: Callable[[str | None], str] | None
) -> logging.Formatter:
    if settings.log_format == "json":
        return JsonFormatter(settings)
    name = settings.service or ""
    return TextFormatter(
        function_of or (lambda _route: name),
        is_coloured=is_colour_wanted(sys.__stderr__, os.environ),
    )


def _tell_of_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None:
        logger.error("a thread has failed", exc_info=arguments.exc_value)


def _tell_of_end(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, Exception):
        logger.critical("the process ends by an error", exc_info=(kind, error, trace))
    else:  # Ctrl-C, for instance
        sys.__excepthook__(kind, error, trace)


def _tell_of_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    if unraisable.exc_value is not None:
        logger.error("something failed where nobody can be told", exc_info=unraisable.exc_value)
