"""The sliding window."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.store.sliding_window import WINDOW, admit

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_first_request_passes() -> None:
    decision = admit([], NOW, limit=1)
    assert (decision.passed, decision.free_at) == ((NOW,), None)


def test_request_above_the_limit_is_not_counted() -> None:
    passed = [NOW - 2 * SECOND, NOW - SECOND]
    decision = admit(passed, NOW, limit=2)
    assert decision.passed == tuple(passed)
    assert decision.free_at == NOW - 2 * SECOND + WINDOW


def test_request_leaves_the_window_after_24_hours() -> None:
    window = admit([], NOW, limit=1).passed
    free_at = NOW + WINDOW
    assert admit(window, free_at - timedelta(microseconds=1), limit=1).free_at == free_at
    assert admit(window, free_at, limit=1).free_at is None


def test_requests_outside_the_window_are_dropped() -> None:
    decision = admit([NOW - WINDOW, NOW - WINDOW + SECOND], NOW, limit=5)
    assert decision.passed == (NOW - WINDOW + SECOND, NOW)


def test_lowered_limit_applies_to_the_current_window() -> None:
    passed = [NOW - 3 * SECOND, NOW - 2 * SECOND, NOW - SECOND]
    assert admit(passed, NOW, limit=1).free_at == NOW - SECOND + WINDOW


@given(
    st.lists(st.integers(0, 72 * 3600), min_size=1, max_size=60),
    st.integers(1, 5),
)
def test_exactly_the_limit_passes_in_any_24_hours(seconds: list[int], limit: int) -> None:
    stored: tuple[datetime, ...] = ()
    all_passed: list[datetime] = []
    for second in sorted(seconds):
        now = NOW + second * SECOND
        decision = admit(stored, now, limit)
        in_window = [at for at in all_passed if at > now - WINDOW]
        assert (decision.free_at is None) == (len(in_window) < limit)
        if decision.free_at is None:
            all_passed.append(now)
        else:
            assert decision.free_at > now
            assert admit(decision.passed, decision.free_at, limit).free_at is None
        stored = decision.passed
