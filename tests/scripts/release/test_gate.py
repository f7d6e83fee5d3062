"""The gate of the canary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.release.gate import Decision, RequestCounts, judge

PROMOTE, WAIT, ROLL_BACK = Decision.PROMOTE, Decision.WAIT, Decision.ROLL_BACK
FEW_ERRORS = RequestCounts(10_000, 10)


@pytest.mark.parametrize(
    ("new", "old", "decision"),
    [
        (RequestCounts(1000, 0), FEW_ERRORS, PROMOTE),
        (RequestCounts(1000, 10), FEW_ERRORS, PROMOTE),  # the allowed 1 %
        (RequestCounts(1000, 16), FEW_ERRORS, PROMOTE),  # and chance
        (RequestCounts(1000, 17), FEW_ERRORS, ROLL_BACK),
        (RequestCounts(100_000, 1100), FEW_ERRORS, ROLL_BACK),  # less chance in many requests
        (RequestCounts(90, 3), FEW_ERRORS, ROLL_BACK),
        (RequestCounts(100, 3), FEW_ERRORS, PROMOTE),  # exactly the limit
        (RequestCounts(200, 4), FEW_ERRORS, PROMOTE),
        (RequestCounts(200, 5), FEW_ERRORS, ROLL_BACK),
        (RequestCounts(3, 3), FEW_ERRORS, ROLL_BACK),  # no success
        (RequestCounts(100, 2), FEW_ERRORS, PROMOTE),
        (RequestCounts(52, 2), FEW_ERRORS, PROMOTE),  # two errors always count as chance
        (RequestCounts(1000, 60), RequestCounts(1000, 30), PROMOTE),  # twice the old ratio
        (RequestCounts(1000, 76), RequestCounts(1000, 30), ROLL_BACK),
        (RequestCounts(1000, 500), RequestCounts(1000, 500), ROLL_BACK),  # both fail
        (RequestCounts(1000, 120), RequestCounts(1000, 500), PROMOTE),  # at most 10 %, and chance
        (RequestCounts(1000, 121), RequestCounts(1000, 500), ROLL_BACK),
        (RequestCounts(1000, 0), RequestCounts(1000, 500), PROMOTE),
        (RequestCounts(1000, 20), RequestCounts(), ROLL_BACK),  # no requests to the old one
        (RequestCounts(), FEW_ERRORS, PROMOTE),
        (RequestCounts(49, 0), FEW_ERRORS, PROMOTE),
        (RequestCounts(49, 1), FEW_ERRORS, ROLL_BACK),  # too few requests for chance
        (RequestCounts(50, 1), FEW_ERRORS, PROMOTE),
        (RequestCounts(1, 1), FEW_ERRORS, ROLL_BACK),
    ],
    ids=str,
)
def test_final_check_decides(new: RequestCounts, old: RequestCounts, decision: Decision) -> None:
    assert judge(new, old, is_final=True).decision is decision


@pytest.mark.parametrize(
    ("new", "decision"),
    [
        (RequestCounts(1000, 0), WAIT),
        (RequestCounts(1000, 16), WAIT),
        (RequestCounts(1000, 17), ROLL_BACK),
        (RequestCounts(3, 3), ROLL_BACK),
        (RequestCounts(2, 2), WAIT),
        (RequestCounts(49, 1), WAIT),
        (RequestCounts(), WAIT),
    ],
    ids=str,
)
def test_earlier_check_waits_or_rolls_back(new: RequestCounts, decision: Decision) -> None:
    assert judge(new, FEW_ERRORS, is_final=False).decision is decision


def test_reason_has_the_numbers() -> None:
    new, old = RequestCounts(100, 20), RequestCounts(1000, 30)
    assert judge(new, old, is_final=False).reason == (
        "20 errors in 100 requests (20.0%; old revision 3.0%, allowed 6.0%)"
    )
    assert judge(RequestCounts(9, 0), FEW_ERRORS, is_final=True).reason == (
        "0 errors in 9 requests; below 50 requests, but without an error"
    )
    failed = judge(RequestCounts(9, 1), FEW_ERRORS, is_final=True).reason
    assert failed == "1 errors in 9 requests; below 50 requests, no error is allowed"


ranks = {ROLL_BACK: 0, WAIT: 1, PROMOTE: 1}


@st.composite
def counts(draw: st.DrawFn) -> RequestCounts:
    requests = draw(st.integers(0, 100_000))
    return RequestCounts(requests, draw(st.integers(0, requests)))


def rank(new: RequestCounts, old: RequestCounts, *, is_final: bool) -> int:
    return ranks[judge(new, old, is_final=is_final).decision]


@given(counts(), counts(), st.booleans(), st.integers(1, 1000))
def test_more_errors_never_improve_the_decision(
    new: RequestCounts, old: RequestCounts, is_final: bool, more: int
) -> None:
    worse = RequestCounts(new.requests, min(new.requests, new.errors + more))
    more_requests = RequestCounts(new.requests + more, new.errors + more)
    before = rank(new, old, is_final=is_final)
    assert rank(worse, old, is_final=is_final) <= before
    if new.errors >= 3:
        assert rank(more_requests, old, is_final=is_final) <= before


@given(counts(), counts(), st.booleans(), st.integers(1, 1000))
def test_more_successes_never_worsen_the_decision(
    new: RequestCounts, old: RequestCounts, is_final: bool, more: int
) -> None:
    better = RequestCounts(new.requests + more, new.errors)
    assert rank(better, old, is_final=is_final) >= rank(new, old, is_final=is_final)


@given(counts(), counts(), counts())
def test_worse_old_revision_never_worsens_the_decision(
    new: RequestCounts, old: RequestCounts, other: RequestCounts
) -> None:
    low, high = sorted((old, other), key=lambda each: each.error_ratio)
    assert rank(new, high, is_final=True) >= rank(new, low, is_final=True)


@given(counts(), counts())
def test_early_rollback_is_also_a_final_one(new: RequestCounts, old: RequestCounts) -> None:
    early = judge(new, old, is_final=False).decision
    final = judge(new, old, is_final=True).decision
    if early is ROLL_BACK:
        assert final is ROLL_BACK
    assert early is not PROMOTE
    assert final is not WAIT
