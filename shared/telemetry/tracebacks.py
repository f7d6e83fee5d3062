"""Tracebacks that may be logged: where an error happened, and never what it says.

A message may hold anything, a payload, a password or a token; so may local variables.
"""

import traceback
from collections.abc import Iterator
from types import TracebackType

_MOST_ERRORS = 10
_MOST_MEMBERS = 5
_LONGEST = 50_000
_CAUSE = "The above exception was the direct cause of the following exception:"
_CONTEXT = "During handling of the above exception, another exception occurred:"
_MEMBER = "The above exception is a part of the following group:"


def stack_trace(error: BaseException) -> str:
    """Return what `traceback.format_exception` would, with kinds in the place of messages.

    Causes come first, and so do the members of a group, one after the other: Error Reporting reads
    no trees.

    Source: https://cloud.google.com/error-reporting/docs/formatting-error-messages
    """
    seen: set[int] = set()
    text = "\n".join(_lines(error, seen))
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST // 2]}\n  ...\n{text[-_LONGEST // 2 :]}"


def location(trace: TracebackType | None) -> traceback.FrameSummary | None:
    """Return the frame in which the error was raised."""
    frames = traceback.extract_tb(trace, limit=-1)
    return frames[-1] if frames else None


def kind(error: BaseException) -> str:
    """Return the name of the error's class, as a traceback has it."""
    cls = type(error)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__name__}"


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    for before, words in _before(error):
        if id(before) not in seen and len(seen) < _MOST_ERRORS:
            yield from _lines(before, seen)
            yield f"\n{words}\n"
    yield "Traceback (most recent call last):"
    for entry in traceback.format_tb(error.__traceback__):
        yield entry.rstrip("\n")
    yield kind(error)


def _before(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    """Yield what led to `error`, with the words that lead from there to it."""
    if error.__cause__ is not None:
        yield error.__cause__, _CAUSE
    elif error.__context__ is not None and not error.__suppress_context__:
        yield error.__context__, _CONTEXT
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions[:_MOST_MEMBERS]:
            yield member, _MEMBER
