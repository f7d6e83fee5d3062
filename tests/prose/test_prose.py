"""The project's prose keeps the rules of `rules.toml`, and its measures keep their limits."""

import pytest

from tests.prose import measures
from tests.prose.__main__ import summary
from tests.prose.measures import Measures
from tests.prose.rules import findings, load

_MAX_SHOWN_FINDINGS = 50


@pytest.fixture(scope="module")
def measured() -> Measures:
    return measures.project()


def test_prose_follows_the_rules() -> None:
    found = findings(load())
    if found:
        shown = "\n".join(map(str, found[:_MAX_SHOWN_FINDINGS]))
        pytest.fail(f"{shown}\n{summary(found)}\nAll: python -m tests.prose", pytrace=False)


def test_median_test_name_is_short(measured: Measures) -> None:
    assert measured.median_test_name <= measures.MAX_MEDIAN_TEST_NAME


def test_comment_share_is_within_limits(measured: Measures) -> None:
    least, greatest = measures.COMMENT_PERCENT
    assert least <= measured.comment_percent <= greatest


def test_any_is_rare_in_source(measured: Measures) -> None:
    assert measured.any_per_1000_lines <= measures.MAX_ANY_PER_1000_LINES
