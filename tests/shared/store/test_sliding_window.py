"""The sliding window."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.store.sliding_window import WINDOW, admit

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_a_first_request_passes() -> None:
    verdict = admit([], NOW, limit=1)
    assert (verdict.passed, verdict.free_at) == ((NOW,), None)


def test_one_too_many_is_refused_and_not_kept() -> None:
    passed = [NOW - 2 * SECOND, NOW - SECOND]
    verdict = admit(passed, NOW, limit=2)
    assert verdict.passed == tuple(passed)
    assert verdict.free_at == NOW - 2 * SECOND + WINDOW


def test_a_place_becomes_free_exactly_24_hours_after_it_was_taken() -> None:
    taken = admit([], NOW, limit=1).passed
    free_at = NOW + WINDOW
    assert admit(taken, free_at - timedelta(microseconds=1), limit=1).free_at == free_at
    assert admit(taken, free_at, limit=1).free_at is None


def test_what_has_left_the_window_is_kept_no_longer() -> None:
    verdict = admit([NOW - WINDOW, NOW - WINDOW + SECOND], NOW, limit=5)
    assert verdict.passed == (NOW - WINDOW + SECOND, NOW)


def test_a_lowered_limit_lets_so_many_leave_that_it_holds() -> None:
    passed = [NOW - 3 * SECOND, NOW - 2 * SECOND, NOW - SECOND]
    assert admit(passed, NOW, limit=1).free_at == NOW - SECOND + WINDOW


@given(
    st.lists(st.integers(0, 72 * 3600), min_size=1, max_size=60),
    st.integers(1, 5),
)
def test_never_more_than_the_limit_pass_in_any_24_hours_and_no_place_is_wasted(
    seconds: list[int], limit: int
) -> None:
    stored: tuple[datetime, ...] = ()
    all_passed: list[datetime] = []
    for second in sorted(seconds):
        now = NOW + second * SECOND
        verdict = admit(stored, now, limit)
        in_window = [at for at in all_passed if at > now - WINDOW]
        assert (verdict.free_at is None) == (len(in_window) < limit)
        if verdict.free_at is None:
            all_passed.append(now)
        else:
            assert verdict.free_at > now
            assert admit(verdict.passed, verdict.free_at, limit).free_at is None
        stored = verdict.passed
