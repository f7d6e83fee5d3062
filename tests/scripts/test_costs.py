"""`./scripts/costs`, and the sheet that the documentation shows."""

import re

import pytest

from scripts.costing.assumptions import PRICES, SCALES, USAGE, Work
from scripts.costing.sheet import documents_per_person, requests_per_person, sheet, total
from scripts.root import ROOT
from tests.scripts.test_commands import run


def test_the_documentation_shows_what_the_command_prints() -> None:
    printed = run("costs")
    assert printed.returncode == 0, printed.stderr
    page = (ROOT / "docs" / "operations" / "costs.md").read_text()
    [shown] = re.findall(r"<!-- \./scripts/costs -->\n(.*)<!-- end -->", page, re.DOTALL)
    assert shown == printed.stdout


def test_another_number_of_people_can_be_asked_for() -> None:
    printed = run("costs", "20000")
    assert printed.returncode == 0, printed.stderr
    assert "| | 20,000 people | $ a month |" in printed.stdout


def test_a_feed_is_most_of_what_a_person_reads() -> None:
    feed = USAGE.feed_looks * (2 * USAGE.followed + USAGE.new_events_per_look)
    documents = documents_per_person()
    assert feed < documents.read < 1.5 * feed
    [reads] = [line for line in sheet(1_000_000, Work()) if line.what == "Firestore, reads"]
    assert reads.dollars == pytest.approx(documents.read * 1_000_000 * PRICES.read)


def test_twice_as_many_people_cost_twice_as_much_but_for_what_is_always_there() -> None:
    fixed = total(sheet(0, Work()))
    assert total(sheet(2000, Work())) - fixed == pytest.approx(
        2 * (total(sheet(1000, Work())) - fixed)
    )
    assert fixed == pytest.approx(18.25 + 10)


def test_requests_that_meet_at_an_instance_share_it() -> None:
    alone, together = (sheet(1000, Work(at_once=n))[7] for n in (1, 4))
    assert alone.what == "functions, instances at work"
    assert alone.dollars == pytest.approx(4 * together.dollars)


def test_more_requests_come_without_a_password_than_with_one() -> None:
    every, with_password = requests_per_person()
    assert 0 < with_password < every / 2
    assert sorted(SCALES) == [1_000, 1_000_000]
