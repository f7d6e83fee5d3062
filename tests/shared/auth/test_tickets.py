"""Connection tickets."""

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from shared.auth.tickets import LIFETIME_S, TicketKey, is_ticket

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
DIGEST = sha256(b"SECRET-key-of-alice").digest()
KEY = TicketKey(DIGEST)


def test_ticket_is_accepted_by_another_instance() -> None:
    assert TicketKey(DIGEST).accepts(KEY.issue(NOW), NOW)


def test_ticket_is_safe_in_urls_without_padding() -> None:
    """Contract, "Chat": no `+`, `/` or `=`."""
    tickets = [KEY.issue(NOW) for _ in range(200)]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", each) for each in tickets)
    assert all(is_ticket(each) for each in tickets)


def test_tickets_of_one_second_differ() -> None:
    assert len({KEY.issue(NOW) for _ in range(200)}) == 200


@pytest.mark.parametrize(
    ("age_s", "is_valid"),
    [(-LIFETIME_S, True), (0, True), (LIFETIME_S - 1, True), (LIFETIME_S, False), (10**9, False)],
)
def test_ticket_expires(age_s: int, *, is_valid: bool) -> None:
    assert KEY.accepts(KEY.issue(NOW), NOW + timedelta(seconds=age_s)) == is_valid


def test_ticket_ends_with_its_key() -> None:
    others = [TicketKey(sha256(name).digest()) for name in (b"", b"SECRET-other-key")]
    assert not any(other.accepts(KEY.issue(NOW), NOW) for other in others)


def test_ticket_with_a_changed_character_is_rejected() -> None:
    ticket = KEY.issue(NOW)
    for place, character in enumerate(ticket):
        changed = "A" if character != "A" else "B"
        assert not KEY.accepts(ticket[:place] + changed + ticket[place + 1 :], NOW)


@pytest.mark.parametrize(
    "form",
    ["", "{}=", "{}A", " {}", "{}\n", "\u00e9" * 72, "+" * 72, "A" * 71, "A" * 72, "x" * 100_000],
    ids=lambda form: repr(form[:8]),
)
def test_other_text_is_rejected(form: str) -> None:
    assert not KEY.accepts(form.format(KEY.issue(NOW)), NOW)
