"""Tracebacks without exception messages, for the log.

A message may contain a payload, a password or a token. So may local variables.
"""

import traceback
from collections.abc import Iterator
from types import TracebackType

# A chain of exceptions or a group can have any length.
_MAX_ERRORS = 10
_MAX_GROUP_MEMBERS = 5
# Cloud Logging accepts entries of up to 256 KiB; JSON escapes make the text longer.
# Source: https://cloud.google.com/logging/quotas
_MAX_TEXT_CHARACTERS = 50_000
_CAUSE = "The above exception was the direct cause of the following exception:"
_CONTEXT = "During handling of the above exception, another exception occurred:"
_MEMBER = "The above exception is a part of the following group:"


def format_traceback(error: BaseException) -> str:
    """Return the text of `traceback.format_exception`, without the messages of exceptions.

    Causes come before their effects, and members of a group before the group: Error Reporting
    cannot parse trees.

    Source: https://cloud.google.com/error-reporting/docs/formatting-error-messages
    """
    seen: set[int] = set()
    text = "\n".join(_lines(error, seen))
    if len(text) <= _MAX_TEXT_CHARACTERS:
        return text
    # The beginning names the first cause, the end names the error itself.
    half = _MAX_TEXT_CHARACTERS // 2
    return f"{text[:half]}\n  ...\n{text[-half:]}"


def find_location(trace: TracebackType | None) -> traceback.FrameSummary | None:
    """Return the frame that raised the error."""
    frames = traceback.extract_tb(trace, limit=-1)
    return frames[-1] if frames else None


def class_name(error: BaseException) -> str:
    """Return the name of the error's class, formatted as in a traceback."""
    cls = type(error)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__name__}"


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    # `seen` ends cycles: two errors can be each other's cause.
    seen.add(id(error))
    for earlier, link in _earlier(error):
        if id(earlier) not in seen and len(seen) < _MAX_ERRORS:
            yield from _lines(earlier, seen)
            yield f"\n{link}\n"
    yield "Traceback (most recent call last):"
    for entry in traceback.format_tb(error.__traceback__):
        yield entry.rstrip("\n")
    yield class_name(error)


def _earlier(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    """Yield the errors that led to `error`, each with the sentence that links it to `error`."""
    if error.__cause__ is not None:
        yield error.__cause__, _CAUSE
    elif error.__context__ is not None and not error.__suppress_context__:
        yield error.__context__, _CONTEXT
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions[:_MAX_GROUP_MEMBERS]:
            yield member, _MEMBER
