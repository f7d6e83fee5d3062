"""Set-up of logging: all loggers of the process write through one handler."""

import logging
import os
import sys
import threading
from collections.abc import Callable
from types import TracebackType

from shared.telemetry.json_lines import JsonFormatter
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.text_lines import TextFormatter, is_colour_enabled

logger = logging.getLogger(__name__)

_OUR_LOGGERS = ("functions", "shared")
_LOGGERS_WITH_SECRETS = ("google", "httpcore2", "httpx2", "openai", "urllib3")
"""Libraries that log URLs at INFO and whole requests at DEBUG, including tokens."""

_SERVER_LOGGERS = ("gunicorn.access", "gunicorn.error", "uvicorn.access", "uvicorn.error")
"""Loggers that gunicorn gives handlers when it starts, after the function is loaded."""


class _Handler(logging.StreamHandler):  # type: ignore[type-arg] # generic since Python 3.13 only
    """Writes lines to the process's standard error; drops lines that cannot be written.

    Standard error keeps the order with the interpreter's own messages, and leaves standard output
    to the results of commands. `sys.__stderr__` is the original stream: the Functions Framework
    replaces `sys.stderr` during requests.
    """

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__(sys.__stderr__)
        self.setFormatter(formatter)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Do nothing: the library's method would print the record's arguments."""


class _RedirectFilter(logging.Filter):
    """Sends records of a logger to our handler once that logger no longer propagates them."""

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__()
        self._handler = handler

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the logger's own handlers also get `record`."""
        if logging.getLogger(record.name).propagate:
            return True
        self._handler.handle(record)
        return False


def set_levels() -> None:
    """Enable our INFO lines, and only warnings of libraries that would log secrets."""
    for name in _OUR_LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO)
    for name in _LOGGERS_WITH_SECRETS:
        logging.getLogger(name).setLevel(logging.WARNING)


def set_up_logging(
    settings: TelemetrySettings, function_of: Callable[[str | None], str] | None = None
) -> None:
    """Send the records of all loggers to standard error, in the format of `settings`.

    Can be called repeatedly: the last call applies.

    Args:
        settings: the format, and the labels of the process.
        function_of: see `TextFormatter`; for a process that serves several functions.
    """
    handler = _Handler(_formatter(settings, function_of))
    root = logging.getLogger()
    for old in [*root.handlers]:
        # `type(old) is`: the Functions Framework adds a plain StreamHandler, pytest a subclass.
        if isinstance(old, _Handler) or type(old) is logging.StreamHandler:
            root.removeHandler(old)
    root.addHandler(handler)
    for name in _SERVER_LOGGERS:
        server = logging.getLogger(name)
        for other in [*server.filters]:
            if isinstance(other, _RedirectFilter):
                server.removeFilter(other)
        server.addFilter(_RedirectFilter(handler))
    for existing in logging.root.manager.loggerDict.values():
        if isinstance(existing, logging.Logger):
            # The Functions Framework disables the loggers that exist when it starts.
            existing.disabled = False
    set_levels()
    _log_uncaught_exceptions()


def _log_uncaught_exceptions() -> None:
    logging.captureWarnings(capture=True)
    # Hooks of other libraries stay, for example those of a test runner.
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _log_thread_failure
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _log_process_failure
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _log_unraisable


def _formatter(
    settings: TelemetrySettings, function_of: Callable[[str | None], str] | None
) -> logging.Formatter:
    if settings.log_format == "json":
        return JsonFormatter(settings)
    name = settings.service or ""
    return TextFormatter(
        function_of or (lambda _route: name),
        is_coloured=is_colour_enabled(sys.__stderr__, os.environ),
    )


def _log_thread_failure(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None:
        logger.error("a thread failed", exc_info=arguments.exc_value)


def _log_process_failure(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, Exception):
        logger.critical("an exception ends the process", exc_info=(kind, error, trace))
    else:  # KeyboardInterrupt, for example
        sys.__excepthook__(kind, error, trace)


def _log_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    if unraisable.exc_value is not None:
        logger.error(
            "an exception was raised where it cannot propagate", exc_info=unraisable.exc_value
        )
