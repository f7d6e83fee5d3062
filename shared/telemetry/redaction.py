"""Message and exception of a log record, without the texts of exceptions.

Libraries also put these texts into messages and arguments, so both are redacted.
"""

import logging
import re
import sys

from shared.telemetry.tracebacks import class_name

_MAX_MESSAGE_CHARACTERS = 20_000
_TRACEBACK = "Traceback (most recent call last)"
_UNHANDLED = "unhandled exception"
_START_OF_REPRESENTATION = re.compile(r"[<(\n]")
_WARNINGS_LOGGER = "py.warnings"
_UNPRINTABLE = "unprintable log record"


def redact_message(record: logging.LogRecord) -> str:
    """Return the message of `record` without texts of exceptions; never raises."""
    try:
        text = _formatted(record)
    except Exception:  # noqa: BLE001 - wrong number of arguments, or one that raises
        text = record.msg if isinstance(record.msg, str) else _UNPRINTABLE
    if _TRACEBACK in text:
        # The Functions Framework logs a crash as one text: path, traceback and exception.
        return _UNHANDLED
    if record.name == "asyncio":
        # asyncio appends representations of tasks with their exceptions, and of callbacks with
        # their arguments.
        return _START_OF_REPRESENTATION.split(text, maxsplit=1)[0].strip()
    if record.name == _WARNINGS_LOGGER:
        return text.partition("\n")[0]  # the second line is source code
    return text[:_MAX_MESSAGE_CHARACTERS]


def find_error(record: logging.LogRecord) -> BaseException | None:
    """Return the exception of `record`, or None."""
    if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
        return record.exc_info[1]
    # A traceback in the message belongs to the exception that is being handled right now.
    return sys.exc_info()[1] if redact_message(record) == _UNHANDLED else None


def _formatted(record: logging.LogRecord) -> str:
    if isinstance(record.msg, BaseException):
        return class_name(record.msg)
    text = str(record.msg)
    match record.args:
        case None | ():
            return text
        case tuple():
            return text % tuple(_redacted(argument) for argument in record.args)
        case _:
            return text % {name: _redacted(value) for name, value in record.args.items()}


def _redacted(argument: object) -> object:
    """Return a replacement for an exception, and for a container because it may hold one."""
    if isinstance(argument, BaseException):
        return class_name(argument)
    if isinstance(argument, list | tuple | set | frozenset | dict):
        return f"a {type(argument).__name__}"
    return argument
