"""`./scripts/costs` and its table in the documentation."""

import re

import pytest

from scripts.costing.activities import documents_per_person, requests_per_person
from scripts.costing.assumptions import SCALES, Prices, Scale, Usage
from scripts.costing.sheet import lines, total
from scripts.root import ROOT
from tests.scripts.test_commands import run

ALONE = Scale(requests_per_instance=1, connections_per_instance=1, warm_instances=0)


def dollars(item: str, people: int, scale: Scale = ALONE) -> float:
    """Return the dollars of one line of the sheet."""
    [line] = [each for each in lines(people, scale) if each.item == item]
    return line.dollars


def test_documentation_shows_the_output_of_the_command() -> None:
    printed = run("costs")
    assert printed.returncode == 0, printed.stderr
    page = (ROOT / "docs" / "operations" / "costs.md").read_text()
    [shown] = re.findall(r"<!-- \./scripts/costs -->\n(.*)<!-- end -->", page, re.DOTALL)
    assert shown == printed.stdout


def test_command_accepts_another_number_of_people() -> None:
    printed = run("costs", "20000")
    assert printed.returncode == 0, printed.stderr
    assert "| | 20,000 people | $ a month |" in printed.stdout


def test_feeds_are_most_of_the_documents_read() -> None:
    feeds = Usage.feed_reads * (2 * Usage.followed_users + Usage.new_events_per_feed)
    documents = documents_per_person()
    assert feeds < documents.read < 1.5 * feeds
    expected = documents.read * 1_000_000 * Prices.document_read
    assert dollars("Firestore, reads", 1_000_000) == pytest.approx(expected)


def test_costs_are_proportional_to_people_plus_a_base() -> None:
    base = total(lines(0, ALONE))
    small, large = (total(lines(people, ALONE)) - base for people in (1000, 2000))
    assert large == pytest.approx(2 * small)
    assert base == pytest.approx(18.25 + 12)


def test_overlapping_requests_share_an_instance() -> None:
    item = "functions, busy instances"
    overlapping = Scale(requests_per_instance=4, connections_per_instance=1, warm_instances=0)
    assert dollars(item, 1000) == pytest.approx(4 * dollars(item, 1000, overlapping))


def test_most_requests_have_no_password() -> None:
    with_password = requests_per_person(only_with_password=True)
    assert 0 < with_password < requests_per_person() / 2


def test_default_scales_are_a_thousand_and_a_million() -> None:
    assert sorted(SCALES) == [1_000, 1_000_000]
