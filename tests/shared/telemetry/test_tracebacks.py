"""Tracebacks: Python's text without the messages of exceptions, of bounded length."""

import traceback

import pytest

from shared.telemetry.tracebacks import format_traceback

# A traceback contains source lines, so the secret is not in the line that raises.
SECRET = "SECRET-message"  # noqa: S105 - a made-up value


class OwnError(Exception):
    """An exception of this module."""


def fail(kind: type[BaseException] = OwnError) -> None:
    raise kind(SECRET)


def caught(kind: type[Exception] = OwnError) -> Exception:
    try:
        fail(kind)
    except kind as error:
        return error
    raise AssertionError


def chained(*, is_cause: bool) -> Exception:
    try:
        try:
            fail(KeyError)
        except KeyError as first:
            if is_cause:
                raise OwnError(SECRET) from first
            raise OwnError(SECRET)  # noqa: B904 - an error without a cause is the test
    except OwnError as error:
        return error
    raise AssertionError


def expected(error: BaseException) -> str:
    """Return Python's text without our message."""
    text = "".join(traceback.format_exception(error)).rstrip()
    return text.replace(f": {SECRET}", "").replace(f": '{SECRET}'", "")


@pytest.mark.parametrize(
    "error",
    [caught(), caught(ValueError), chained(is_cause=True), chained(is_cause=False)],
    ids=["own class", "built-in class", "cause", "context"],
)
def test_traceback_is_pythons_text_without_messages(error: Exception) -> None:
    text = format_traceback(error)
    assert text == expected(error)
    assert SECRET not in text


def test_traceback_omits_suppressed_context() -> None:
    error = chained(is_cause=False)
    error.__suppress_context__ = True
    assert "KeyError" not in format_traceback(error)


def test_traceback_omits_notes() -> None:
    error = caught()
    error.add_note(SECRET)
    assert format_traceback(error) == expected(error).removesuffix(f"\n{SECRET}")


def test_members_of_group_precede_the_group() -> None:
    text = format_traceback(ExceptionGroup(SECRET, [caught(ValueError), chained(is_cause=True)]))
    names = [line for line in text.splitlines() if line.rpartition(".")[2].isidentifier()]
    own = f"{OwnError.__module__}.OwnError"
    assert names == ["ValueError", "KeyError", own, "ExceptionGroup"]
    assert text.count("is a part of the following group") == 2
    assert SECRET not in text


def test_traceback_ends_for_a_cycle_of_causes() -> None:
    first, second = caught(ValueError), caught(KeyError)
    first.__cause__, second.__cause__ = second, first
    assert format_traceback(first).endswith("\nValueError")


def test_long_text_keeps_its_beginning_and_end() -> None:
    # Two functions in turn: Python abbreviates repeated lines of one function.
    def ping(depth: int) -> None:
        pong(depth)

    def pong(depth: int) -> None:
        if depth:
            ping(depth - 1)
        raise OwnError(SECRET)

    with pytest.raises(OwnError) as raised:
        ping(400)
    text = format_traceback(raised.value)
    assert len(text) < 60_000
    assert text.startswith("Traceback (most recent call last):\n")
    assert text.endswith(f"{OwnError.__module__}.OwnError")


def test_long_chain_is_cut_at_10_errors() -> None:
    error: BaseException = caught()
    for _ in range(100):
        later = caught()
        later.__cause__ = error
        error = later
    assert format_traceback(error).count("Traceback") == 10


def test_deep_recursion_is_abbreviated() -> None:
    def deep(depth: int) -> None:
        if depth:
            deep(depth - 1)
        raise OwnError(SECRET)

    with pytest.raises(OwnError) as raised:
        deep(900)
    assert "Previous line repeated" in format_traceback(raised.value)
