"""The lines of the cost sheet for a month."""

from dataclasses import dataclass

from scripts.costing.activities import documents_per_person, requests_per_person
from scripts.costing.assumptions import (
    ARMOR_RULES,
    GIB,
    INSTANCE_GIB,
    KEPT_BACKUPS,
    MONTH_DAYS,
    MONTH_S,
    SOFT_DELETE_DAYS,
    Prices,
    Scale,
    Usage,
    Work,
)

_RECOVERY_DAYS = 7


@dataclass(frozen=True)
class Line:
    """A line of the sheet."""

    item: str
    amount: str
    dollars: float


def lines(people: int, scale: Scale) -> list[Line]:
    """Return the costs of a month in which `people` use the app."""
    return [
        *_firestore(people),
        *_backups(people),
        *_instances(people, scale),
        *_network(people),
        *_model(people),
    ]


def total(sheet: list[Line]) -> float:
    """Return the sum of a sheet in dollars."""
    return sum(line.dollars for line in sheet)


def _firestore(people: int) -> list[Line]:
    documents = documents_per_person().times(people)
    account_bytes = Usage.account_bytes + _profile_bytes()
    event_days = Usage.workouts * Usage.event_retention_days
    shared_plan_days = Usage.shared_plans * Usage.shared_plan_retention_days
    expiring_bytes = (
        event_days * Usage.event_bytes + shared_plan_days * Usage.shared_plan_bytes
    ) / MONTH_DAYS
    stored = people * (Usage.accounts_per_person * account_bytes + expiring_bytes) / GIB
    # Point-in-time recovery also keeps the old versions of documents changed in the last 7 days.
    recovered = stored * _RECOVERY_DAYS / MONTH_DAYS
    backups = stored * KEPT_BACKUPS
    return [
        _count("Firestore, reads", documents.read, Prices.document_read),
        _count("Firestore, writes", documents.written, Prices.document_write),
        _count("Firestore, deletes", documents.deleted, Prices.document_delete),
        _gib("Firestore, storage", stored, Prices.stored_gib_month),
        _gib("point-in-time recovery", recovered, Prices.recovery_gib_month),
        _gib("backups of the database", backups, Prices.backup_gib_month),
    ]


def _backups(people: int) -> list[Line]:
    users = people * Usage.backup_share
    uploads = users * Usage.backups
    # In the long run a backup is deleted for each upload.
    deleted = Usage.backups * SOFT_DELETE_DAYS / MONTH_DAYS
    stored = users * (Usage.kept_backups + deleted) * Usage.backup_bytes / GIB
    return [
        _gib("backups of users, storage", stored, Prices.object_gib_month),
        _count("backups of users, uploads", uploads, Work.backup_calls * Prices.object_call),
        _gib("backups of users, received", uploads * Usage.backup_bytes / GIB, Prices.balanced_gib),
    ]


def _profile_bytes() -> float:
    return Usage.plan_bytes + Usage.picture_share * Usage.picture_bytes


def _instances(people: int, scale: Scale) -> list[Line]:
    requests = people * requests_per_person()
    with_password = people * requests_per_person(only_with_password=True)
    subscribers = people * Usage.subscriber_share
    busy_s = (
        requests * Work.request_s
        + with_password * Work.uncached_password_share * Work.password_hash_s
        + subscribers * Usage.plans * Work.plan_s
        + people * Usage.backup_share * Usage.backups * Work.backup_s
    ) / scale.requests_per_instance
    connected_s = subscribers * Usage.conversations * Usage.conversation_s
    chat_s = connected_s / scale.connections_per_instance
    warm_s = scale.warm_instances * MONTH_S
    busy_price = Prices.vcpu_s + INSTANCE_GIB * Prices.gib_s
    idle_price = Prices.idle_vcpu_s + INSTANCE_GIB * Prices.idle_gib_s
    return [
        _count("requests", requests, Prices.request),
        _hours("functions, busy instances", busy_s, busy_price),
        _hours("chat, instances with a connection", chat_s, busy_price),
        _hours("warm instances", warm_s, idle_price),
    ]


def _network(people: int) -> list[Line]:
    requests = people * requests_per_person()
    profiles = Usage.profile_reads * _profile_bytes()
    events = Usage.feed_reads * Usage.new_events_per_feed * Usage.event_bytes
    shared_plans = Usage.shared_plans * Usage.reads_per_shared_plan * Usage.shared_plan_bytes
    # base64 encodes three bytes as four.
    encoded = (profiles + events + shared_plans) * 4 / 3
    backups = Usage.backup_share * Usage.downloaded_backups * Usage.backup_bytes
    sent = (people * (encoded + backups) + requests * Work.response_bytes) / GIB
    logged = requests * Work.log_bytes_per_request / GIB
    rules = Prices.armor_policy_month + ARMOR_RULES * Prices.armor_rule_month
    forwarding = Prices.forwarding_rules_hour * MONTH_S / 3600
    return [
        Line("load balancer, forwarding rules", "2", forwarding),
        Line("Cloud Armor, policy and rules", str(ARMOR_RULES), rules),
        _count("Cloud Armor, requests", requests, Prices.armor_request),
        _gib("sent to the internet", sent, Prices.sent_gib + Prices.balanced_gib),
        _gib("logs", logged, Prices.logged_gib),
    ]


def _model(people: int) -> list[Line]:
    subscribers = people * Usage.subscriber_share
    messages = subscribers * Usage.conversations * Usage.messages_per_conversation
    plans = subscribers * Usage.plans
    tokens_in = plans * Work.plan_input_tokens + messages * Work.message_input_tokens
    tokens_out = plans * Work.plan_output_tokens + messages * Work.message_output_tokens
    return [
        _count("model, input tokens", tokens_in, Prices.input_token),
        _count("model, output tokens", tokens_out, Prices.output_token),
    ]


def _count(item: str, number: float, price: float) -> Line:
    millions = 1e6
    amount = f"{number / millions:,.1f} M" if number >= millions else f"{number:,.0f}"
    return Line(item, amount, number * price)


def _gib(item: str, gib: float, price: float) -> Line:
    return Line(item, f"{gib:,.2f} GiB", gib * price)


def _hours(item: str, seconds: float, price_s: float) -> Line:
    return Line(item, f"{seconds / 3600:,.0f} h", seconds * price_s)
