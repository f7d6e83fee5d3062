"""All assumptions of the cost sheet: usage per user and month, resources per request, and prices.

The numbers are estimates and list prices in US dollars for `us-central1`, before free tiers and
discounts. To use better numbers, change them here and run `./scripts/costs`.
"""

from dataclasses import dataclass

KIB = 1024
GIB = 1024**3
MONTH_DAYS = 30
MONTH_S = 730 * 3600


class Usage:
    """The average of one person who uses the app in a month."""

    # Most accounts are inactive: they make no requests, but they take storage.
    accounts_per_person = 3
    # The user's document without the plan, lookup and follow secrets, with indexes.
    account_bytes = 4 * KIB
    plan_bytes = 8 * KIB  # JSON of three sessions of six exercises; the limit is 64 KiB
    new_accounts = 0.1
    profile_changes = 2
    profile_reads = 20  # users in a list count separately
    picture_share = 0.4  # of people; every read of the user reads the picture too
    picture_bytes = 40 * KIB

    workouts = 13  # three a week; each is one event
    event_bytes = 7.5 * KIB  # JSON of seven exercises of four sets; the limit is 64 KiB
    event_retention_days = 90
    feed_reads = 45
    followed_users = 8
    new_events_per_feed = 2
    inbox_reads = 45
    follow_requests = 0.5  # each makes two inbox messages and one follow secret
    shared_plans = 0.2
    reads_per_shared_plan = 3
    shared_plan_bytes = 10 * KIB  # the limit is 128 KiB
    shared_plan_retention_days = 90

    # Users with an API key of the operator. The app uploads its whole database after each change.
    backup_share = 0.1
    backups = 20
    backup_bytes = 300 * KIB  # compressed, about 750 workouts
    kept_backups = 60  # those of 90 days
    downloaded_backups = 0.1

    # The rest is for one subscriber of Pro.
    subscriber_share = 0.05
    plans = 2
    conversations = 2
    messages_per_conversation = 6
    conversation_s = 300  # time with an open connection


class Work:
    """The resources of requests; `docs/performance.md` has the measured figures."""

    request_s = 0.06  # time on an instance, average of all routes
    password_hash_s = 0.27
    uncached_password_share = 0.2  # of requests with a password
    response_bytes = 1.5 * KIB  # without events, plans and pictures
    log_bytes_per_request = 0.7 * KIB

    backup_s = 3  # an upload through a mobile connection
    backup_calls = 4  # for each upload: two lists, the object, its hash

    plan_s = 15
    plan_input_tokens = 1_500
    plan_output_tokens = 2_500
    message_input_tokens = 4_000
    message_output_tokens = 500


class Prices:
    """List prices in dollars."""

    # https://cloud.google.com/firestore/pricing
    document_read = 0.03 / 100_000
    document_write = 0.09 / 100_000
    document_delete = 0.01 / 100_000
    stored_gib_month = 0.15
    recovery_gib_month = 0.15
    backup_gib_month = 0.03
    # https://cloud.google.com/storage/pricing (one region, standard class)
    object_gib_month = 0.02
    object_call = 0.05 / 10_000  # class A
    # https://cloud.google.com/run/pricing; functions have the same prices
    vcpu_s = 0.000024
    gib_s = 0.0000025
    idle_vcpu_s = 0.0000025
    idle_gib_s = 0.0000025
    request = 0.40 / 1e6
    # https://cloud.google.com/load-balancing/pricing, https://cloud.google.com/armor/pricing
    forwarding_rules_hour = 0.025
    balanced_gib = 0.008  # in both directions
    armor_policy_month = 5
    armor_rule_month = 1
    armor_request = 0.75 / 1e6
    # https://cloud.google.com/vpc/network-pricing (to the internet, premium tier)
    sent_gib = 0.12
    # https://cloud.google.com/stackdriver/pricing
    logged_gib = 0.50
    # https://openai.com/api/pricing (gpt-4o)
    input_token = 2.50 / 1e6
    output_token = 10.00 / 1e6


@dataclass(frozen=True)
class Scale:
    """The load of an instance, and the instances that are kept without traffic.

    Overlapping requests share the price of one instance. They overlap more often with more people.
    `warm_instances` is the sum of `min` in `instances` of the environment's file.
    """

    requests_per_instance: float
    connections_per_instance: float
    warm_instances: int


SCALES = {1_000: Scale(1, 1, 0), 1_000_000: Scale(8, 200, 2)}
"""By the number of people."""

# Facts of infra/, which tests/infra/test_costs.py compares.
INSTANCE_GIB = 0.5  # and one vCPU
ARMOR_RULES = 7
KEPT_BACKUPS = 7 + 4  # daily and weekly
SOFT_DELETE_DAYS = 7  # for which a deleted backup of a user is kept and billed
