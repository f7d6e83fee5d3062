"""Everything that the cost sheet assumes: what people do in a month, and what Google charges.

The numbers are estimates and list prices, in US dollars, for `us-central1`, before free tiers and
discounts. Whoever knows better changes them here and runs `./scripts/costs`.
"""

from dataclasses import dataclass

KIB = 1024
GIB = 1024**3
MONTH_S = 730 * 3600


@dataclass(frozen=True)
class Usage:
    """What one person who uses the app in a month does in it, on average."""

    registered: float = 3
    """Accounts per person who uses the app in a month: the others sleep, and take storage."""

    new_accounts: float = 0.1
    profile_changes: float = 2
    with_picture: float = 0.4
    """The share of people with a picture, which is also read wherever they are."""

    picture_bytes: float = 40 * KIB
    workouts: float = 13
    """Published, three a week; each is an event of `event_bytes`."""

    event_bytes: float = 2.5 * KIB
    event_lives_days: float = 90
    feed_looks: float = 45
    followed: float = 8
    new_events_per_look: float = 2
    profile_looks: float = 20
    """Users read one by one or in lists; each counts."""

    follow_requests: float = 0.5
    """Each is two inbox messages and a follow secret."""

    inbox_looks: float = 45
    shared_plans: float = 0.2
    looks_at_a_shared_plan: float = 3
    account_bytes: float = 4 * KIB
    """A user's document, lookup and follow secrets, with their indexes."""

    subscribers: float = 0.05
    """The share of people who have bought Pro; all that follows is for one of them."""

    plans: float = 2
    talks: float = 2
    messages_per_talk: float = 6
    talk_s: float = 300
    """How long the chat is connected."""


@dataclass(frozen=True)
class Work:
    """What the work takes; `docs/performance.md` has the measured figures."""

    request_s: float = 0.06
    """How long an instance is busy with a request, on average over all routes."""

    hashed: float = 0.2
    """The share of requests with a password whose hash is not remembered by its instance."""

    hash_s: float = 0.27
    plan_s: float = 15
    at_once: float = 1
    """How many requests an instance serves at the same time, on average: it is paid once."""

    sockets_at_once: float = 1
    answer_bytes: float = 1.5 * KIB
    """Of an answer, besides events and pictures."""

    plan_tokens_in: float = 1_500
    plan_tokens_out: float = 2_500
    message_tokens_in: float = 4_000
    message_tokens_out: float = 500
    warm_instances: float = 0
    """Kept while nobody asks, see `min_instances` of the environment."""

    log_bytes_per_request: float = 0.7 * KIB


@dataclass(frozen=True)
class Prices:
    """List prices, each with the page that has it."""

    # https://cloud.google.com/firestore/pricing
    read: float = 0.03 / 100_000
    write: float = 0.09 / 100_000
    delete: float = 0.01 / 100_000
    stored_gib_month: float = 0.15
    recovery_gib_month: float = 0.15
    backup_gib_month: float = 0.03
    # https://cloud.google.com/run/pricing, which is also that of functions
    vcpu_s: float = 0.000024
    gib_s: float = 0.0000025
    request: float = 0.40 / 1e6
    idle_vcpu_s: float = 0.0000025
    idle_gib_s: float = 0.0000025
    # https://cloud.google.com/load-balancing/pricing, https://cloud.google.com/armor/pricing
    forwarding_rules_hour: float = 0.025
    balanced_gib: float = 0.008
    armor_policy_month: float = 5
    armor_rule_month: float = 1
    armor_request: float = 0.75 / 1e6
    # https://cloud.google.com/vpc/network-pricing (to the internet, premium tier)
    sent_gib: float = 0.12
    # https://cloud.google.com/stackdriver/pricing
    logged_gib: float = 0.50
    # https://openai.com/api/pricing (gpt-4o)
    token_in: float = 2.50 / 1e6
    token_out: float = 10.00 / 1e6


FUNCTION_GIB = 0.5
"""Memory of an instance; a vCPU it has, too."""

ARMOR_RULES = 5
BACKUPS_KEPT = 7 + 4
"""Daily and weekly ones."""

USAGE = Usage()
PRICES = Prices()
SCALES = {
    1_000: Work(),
    1_000_000: Work(at_once=8, sockets_at_once=200, warm_instances=2),
}
"""How the work goes by the number of people: where these are few, few requests meet."""
