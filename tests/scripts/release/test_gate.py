"""Whether a new revision may have more traffic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.release.gate import Counts, Decision, judge

GO_ON, WAIT, RETURN = Decision.GO_ON, Decision.WAIT, Decision.RETURN
FINE = Counts(10_000, 10)


@pytest.mark.parametrize(
    ("new", "old", "decision"),
    [
        (Counts(1000, 0), FINE, GO_ON),
        (Counts(1000, 10), FINE, GO_ON),  # the 1 % that is tolerated
        (Counts(1000, 16), FINE, GO_ON),  # ... and what may be chance
        (Counts(1000, 17), FINE, RETURN),
        (Counts(100_000, 1100), FINE, RETURN),  # of many it is no chance any more
        (Counts(90, 3), FINE, RETURN),
        (Counts(100, 3), FINE, GO_ON),  # as many as may be chance, and no more than that
        (Counts(200, 4), FINE, GO_ON),
        (Counts(200, 5), FINE, RETURN),
        (Counts(3, 3), FINE, RETURN),  # not a single success
        (Counts(100, 2), FINE, GO_ON),
        (Counts(52, 2), FINE, GO_ON),  # two errors are always chance
        (Counts(1000, 60), Counts(1000, 30), GO_ON),  # twice the old's
        (Counts(1000, 76), Counts(1000, 30), RETURN),
        (Counts(1000, 500), Counts(1000, 500), RETURN),  # nothing works: nothing is known
        (Counts(1000, 120), Counts(1000, 500), GO_ON),  # never more than 10 %, and chance
        (Counts(1000, 121), Counts(1000, 500), RETURN),
        (Counts(1000, 0), Counts(1000, 500), GO_ON),
        (Counts(1000, 20), Counts(), RETURN),  # nobody asked the old one
        (Counts(), FINE, GO_ON),
        (Counts(49, 0), FINE, GO_ON),
        (Counts(49, 1), FINE, RETURN),  # too few to call it chance
        (Counts(50, 1), FINE, GO_ON),
        (Counts(1, 1), FINE, RETURN),
    ],
    ids=str,
)
def test_at_the_last_look_it_is_decided(new: Counts, old: Counts, decision: Decision) -> None:
    assert judge(new, old, is_last_look=True).decision is decision


@pytest.mark.parametrize(
    ("new", "decision"),
    [
        (Counts(1000, 0), WAIT),
        (Counts(1000, 16), WAIT),
        (Counts(1000, 17), RETURN),
        (Counts(3, 3), RETURN),
        (Counts(2, 2), WAIT),
        (Counts(49, 1), WAIT),
        (Counts(), WAIT),
    ],
    ids=str,
)
def test_before_that_only_what_is_no_chance_ends_it(new: Counts, decision: Decision) -> None:
    assert judge(new, FINE, is_last_look=False).decision is decision


def test_the_reason_has_the_numbers() -> None:
    assert judge(Counts(100, 20), Counts(1000, 30), is_last_look=False).reason == (
        "20 errors in 100 requests (20.0%); the old one has 3.0%, and 6.0% would do"
    )
    assert judge(Counts(9, 0), FINE, is_last_look=True).reason == (
        "0 errors in 9 requests are too few to tell, but nothing went wrong"
    )
    assert "too few to tell, and not all" in judge(Counts(9, 1), FINE, is_last_look=True).reason


requests = st.integers(0, 100_000)
better = {RETURN: 0, WAIT: 1, GO_ON: 1}


@st.composite
def counts(draw: st.DrawFn) -> Counts:
    number = draw(requests)
    return Counts(number, draw(st.integers(0, number)))


@given(counts(), counts(), st.booleans(), st.integers(1, 1000))
def test_more_errors_never_help(new: Counts, old: Counts, is_last: bool, more: int) -> None:
    worse = Counts(new.requests, min(new.requests, new.errors + more))
    also_asked = Counts(new.requests + more, new.errors + more)
    before = better[judge(new, old, is_last_look=is_last).decision]
    assert better[judge(worse, old, is_last_look=is_last).decision] <= before
    if new.errors >= 3:
        assert better[judge(also_asked, old, is_last_look=is_last).decision] <= before


@given(counts(), counts(), st.booleans(), st.integers(1, 1000))
def test_more_successes_never_harm(new: Counts, old: Counts, is_last: bool, more: int) -> None:
    asked = Counts(new.requests + more, new.errors)
    before = better[judge(new, old, is_last_look=is_last).decision]
    assert better[judge(asked, old, is_last_look=is_last).decision] >= before


@given(counts(), counts(), counts())
def test_an_old_one_that_is_worse_never_harms(new: Counts, old: Counts, other: Counts) -> None:
    low, high = sorted((old, other), key=lambda each: each.share)
    with_low = better[judge(new, low, is_last_look=True).decision]
    assert better[judge(new, high, is_last_look=True).decision] >= with_low


@given(counts(), counts())
def test_what_is_returned_early_is_also_returned_late(new: Counts, old: Counts) -> None:
    if judge(new, old, is_last_look=False).decision is RETURN:
        assert judge(new, old, is_last_look=True).decision is RETURN
    assert judge(new, old, is_last_look=False).decision is not GO_ON
    assert judge(new, old, is_last_look=True).decision is not WAIT
