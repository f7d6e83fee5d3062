"""The cost sheet: what a month with so many people costs, line by line."""

from dataclasses import dataclass

from scripts.costing import requests
from scripts.costing.assumptions import (
    ARMOR_RULES,
    BACKUPS_KEPT,
    FUNCTION_GIB,
    GIB,
    MONTH_S,
    PRICES,
    USAGE,
    Work,
)
from scripts.costing.requests import Documents

_DAYS = 30


@dataclass(frozen=True)
class Line:
    """A line of the sheet."""

    what: str
    amount: str
    dollars: float


def documents_per_person() -> Documents:
    """Return what Firestore bills for one person in a month."""
    u = USAGE
    feed = requests.FEED_PER_FOLLOWED.times(u.followed) + requests.FEED_PER_NEW_EVENT.times(
        u.new_events_per_look
    )
    per_request = requests.POST_INBOX_PER_MESSAGE + requests.PUT_INBOX
    messages = 2 * u.follow_requests
    of_feed = (
        requests.CREATE_USER.times(u.new_accounts)
        + requests.PUT_USER.times(u.profile_changes)
        + requests.GET_USER.times(u.profile_looks)
        + requests.PART_OF_PICTURE.times(u.profile_looks * u.with_picture)
        + requests.PUT_EVENT.times(u.workouts)
        + requests.EXPIRED_DOCUMENT.times(u.workouts)
        + feed.times(u.feed_looks)
        + requests.PUT_FOLLOW_SECRET.times(u.follow_requests)
        + per_request.times(messages)
        + requests.POST_INBOX_EMPTY.times(u.inbox_looks)
        + requests.POST_SHARED_ITEM.times(u.shared_plans)
        + requests.EXPIRED_DOCUMENT.times(u.shared_plans)
        + requests.GET_SHARED_ITEM.times(u.shared_plans * u.looks_at_a_shared_plan)
    )
    of_pro = requests.FIRST_PLAN_IN_HALF_AN_HOUR.times(u.plans) + requests.CHAT_MESSAGE.times(
        u.talks * u.messages_per_talk
    )
    return of_feed + of_pro.times(u.subscribers)


def requests_per_person() -> tuple[float, float]:
    """Return the requests of one person in a month, and those of them with a password."""
    u = USAGE
    with_password = (
        u.profile_changes + u.workouts + u.follow_requests + u.inbox_looks + u.shared_plans
    )
    without = (
        u.new_accounts
        + u.profile_looks
        + u.feed_looks
        + 2 * u.follow_requests
        + u.shared_plans * u.looks_at_a_shared_plan
        + u.subscribers * (u.plans + 2 * u.talks)
    )
    return with_password + without, with_password


def sheet(people: int, work: Work) -> list[Line]:
    """Return what a month costs with so many `people` who use the app in it."""
    return [
        *_firestore(people),
        *_instances(people, work),
        *_network(people, work),
        *_model(people, work),
    ]


def total(lines: list[Line]) -> float:
    """Return the sum of a sheet, in dollars."""
    return sum(line.dollars for line in lines)


def _firestore(people: int) -> list[Line]:
    u, p = USAGE, PRICES
    documents = documents_per_person().times(people)
    per_account = u.account_bytes + u.with_picture * u.picture_bytes
    events = u.workouts * u.event_lives_days / _DAYS * u.event_bytes
    stored = people * (u.registered * per_account + events) / GIB
    # Recovery keeps what was changed in the last seven days, besides what is there.
    recovered = stored * 7 / _DAYS
    return [
        Line("Firestore, reads", _count(documents.read), documents.read * p.read),
        Line("Firestore, writes", _count(documents.written), documents.written * p.write),
        Line("Firestore, deletes", _count(documents.deleted), documents.deleted * p.delete),
        Line("Firestore, storage", _gib(stored), stored * p.stored_gib_month),
        Line("point-in-time recovery", _gib(recovered), recovered * p.recovery_gib_month),
        Line("backups", _gib(stored * BACKUPS_KEPT), stored * BACKUPS_KEPT * p.backup_gib_month),
    ]


def _instances(people: int, work: Work) -> list[Line]:
    u, p = USAGE, PRICES
    requests_made, with_password = (each * people for each in requests_per_person())
    subscribers = people * u.subscribers
    busy_s = (
        requests_made * work.request_s
        + with_password * work.hashed * work.hash_s
        + subscribers * u.plans * work.plan_s
    ) / work.at_once
    chat_s = subscribers * u.talks * u.talk_s / work.sockets_at_once
    warm_s = work.warm_instances * MONTH_S
    busy = p.vcpu_s + FUNCTION_GIB * p.gib_s
    idle = p.idle_vcpu_s + FUNCTION_GIB * p.idle_gib_s
    return [
        Line("requests", _count(requests_made), requests_made * p.request),
        Line("functions, instances at work", _hours(busy_s), busy_s * busy),
        Line("chat, instances with a connection", _hours(chat_s), chat_s * busy),
        Line("instances kept warm", _hours(warm_s), warm_s * idle),
    ]


def _network(people: int, work: Work) -> list[Line]:
    u, p = USAGE, PRICES
    requests_made = requests_per_person()[0] * people
    pictures = u.profile_looks * u.with_picture * u.picture_bytes
    events = u.feed_looks * u.new_events_per_look * u.event_bytes
    # base64 makes four bytes of three.
    sent = (people * (pictures + events) * 4 / 3 + requests_made * work.answer_bytes) / GIB
    logged = requests_made * work.log_bytes_per_request / GIB
    rules = p.armor_policy_month + ARMOR_RULES * p.armor_rule_month
    return [
        Line("load balancer, forwarding rules", "2", p.forwarding_rules_hour * MONTH_S / 3600),
        Line("Cloud Armor, a policy and its rules", str(ARMOR_RULES), rules),
        Line("Cloud Armor, requests", _count(requests_made), requests_made * p.armor_request),
        Line("sent to the internet", _gib(sent), sent * (p.sent_gib + p.balanced_gib)),
        Line("logs", _gib(logged), logged * p.logged_gib),
    ]


def _model(people: int, work: Work) -> list[Line]:
    u, p = USAGE, PRICES
    subscribers = people * u.subscribers
    messages = subscribers * u.talks * u.messages_per_talk
    plans = subscribers * u.plans
    read = plans * work.plan_tokens_in + messages * work.message_tokens_in
    written = plans * work.plan_tokens_out + messages * work.message_tokens_out
    return [
        Line("model, tokens read", _count(read), read * p.token_in),
        Line("model, tokens written", _count(written), written * p.token_out),
    ]


def _count(number: float) -> str:
    millions = 1e6
    return f"{number / millions:,.1f} M" if number >= millions else f"{number:,.0f}"


def _gib(number: float) -> str:
    return f"{number:,.2f} GiB"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.0f} h"
