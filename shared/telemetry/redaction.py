"""What a log record says, without what exceptions say: also where others have put that in."""

import logging
import re
import sys

from shared.telemetry.tracebacks import kind

_LONGEST = 20_000
_TRACEBACK = "Traceback (most recent call last)"
_UNHANDLED = "an exception that nobody handled"
_REPRESENTATIONS = re.compile(r"[<(\n]")
_FIRST_LINE_ONLY = "py.warnings"
_UNTELLABLE = "a record that cannot be told"


def message(record: logging.LogRecord) -> str:
    """Return what `record` says; never raises, and never repeats an exception's message."""
    try:
        text = _text(record)
    except Exception:  # noqa: BLE001 - arguments that do not fit, or cannot be shown
        text = record.msg if isinstance(record.msg, str) else _UNTELLABLE
    if _TRACEBACK in text:
        # The Functions Framework's crashes: the path and the exception as one text.
        return _UNHANDLED
    if record.name == "asyncio":
        # What follows are representations: of tasks with their exceptions, of calls with arguments.
        return _REPRESENTATIONS.split(text, maxsplit=1)[0].strip()
    if record.name == _FIRST_LINE_ONLY:
        return text.partition("\n")[0]  # the second is a line of code
    return text[:_LONGEST]


def error(record: logging.LogRecord) -> BaseException | None:
    """Return the exception that `record` is about, or None."""
    if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
        return record.exc_info[1]
    # What was caught and made a text of, is being handled while that text is logged.
    return sys.exc_info()[1] if message(record) == _UNHANDLED else None


def _text(record: logging.LogRecord) -> str:
    if isinstance(record.msg, BaseException):
        return kind(record.msg)
    text = str(record.msg)
    match record.args:
        case None | ():
            return text
        case tuple():
            return text % tuple(_harmless(each) for each in record.args)
        case _:
            return text % {name: _harmless(each) for name, each in record.args.items()}


def _harmless(argument: object) -> object:
    """Return what may be shown of an argument: there may be an exception in a container."""
    if isinstance(argument, BaseException):
        return kind(argument)
    if isinstance(argument, list | tuple | set | frozenset | dict):
        return f"a {type(argument).__name__}"
    return argument
