"""Tracebacks without messages."""

import traceback

import pytest

from shared.telemetry.tracebacks import stack_trace

# Apart from where it is raised: the lines of the code are in a traceback.
SECRET = "SECRET-message"  # noqa: S105 - one that we made up


class OwnError(Exception):
    """Says what it was given."""


def fail(raising: type[BaseException] = OwnError) -> None:
    raise raising(SECRET)


def caught(raising: type[Exception] = OwnError) -> Exception:
    try:
        fail(raising)
    except raising as error:
        return error
    raise AssertionError


def chained(*, is_cause: bool) -> Exception:
    try:
        try:
            fail(KeyError)
        except KeyError as first:
            if is_cause:
                raise OwnError(SECRET) from first
            raise OwnError(SECRET)  # noqa: B904 - that is what is tested
    except OwnError as error:
        return error
    raise AssertionError


def as_python_has_it(error: BaseException) -> str:
    """Return the library's text, of which every message is ours."""
    text = "".join(traceback.format_exception(error)).rstrip()
    return text.replace(f": {SECRET}", "").replace(f": '{SECRET}'", "")


def test_it_is_what_python_prints_but_for_the_messages() -> None:
    for error in (caught(), caught(ValueError), chained(is_cause=True), chained(is_cause=False)):
        text = stack_trace(error)
        assert text == as_python_has_it(error)
        assert SECRET not in text


def test_what_was_suppressed_stays_out() -> None:
    error = chained(is_cause=False)
    error.__suppress_context__ = True
    assert "KeyError" not in stack_trace(error)


def test_notes_stay_out() -> None:
    error = caught()
    error.add_note(SECRET)
    assert stack_trace(error) == as_python_has_it(error).removesuffix(f"\n{SECRET}")


def test_the_members_of_a_group_come_before_it() -> None:
    text = stack_trace(ExceptionGroup(SECRET, [caught(ValueError), chained(is_cause=True)]))
    kinds = [line for line in text.splitlines() if line.rpartition(".")[2].isidentifier()]
    own = f"{OwnError.__module__}.OwnError"
    assert kinds == ["ValueError", "KeyError", own, "ExceptionGroup"]
    assert text.count("is a part of the following group") == 2
    assert SECRET not in text


def test_errors_that_are_each_others_cause_come_to_an_end() -> None:
    first, second = caught(ValueError), caught(KeyError)
    first.__cause__, second.__cause__ = second, first
    assert stack_trace(first).endswith("\nValueError")


def test_of_a_text_that_is_too_long_beginning_and_end_are_kept() -> None:
    def ping(depth: int) -> None:
        pong(depth)

    def pong(depth: int) -> None:
        if depth:
            ping(depth - 1)
        raise OwnError(SECRET)

    with pytest.raises(OwnError) as caught_below:
        ping(400)
    text = stack_trace(caught_below.value)
    assert len(text) < 60_000
    assert text.startswith("Traceback (most recent call last):\n")
    assert text.endswith(f"{OwnError.__module__}.OwnError")


def test_a_long_chain_and_a_deep_stack_stay_short() -> None:
    def deep(depth: int) -> None:
        if depth:
            deep(depth - 1)
        raise OwnError(SECRET)

    error: BaseException = caught()
    for _ in range(100):
        later = caught()
        later.__cause__ = error
        error = later
    assert stack_trace(error).count("Traceback") == 10
    with pytest.raises(OwnError) as caught_below:
        deep(900)
    assert "Previous line repeated" in stack_trace(caught_below.value)
