"""The start of the cleanup by messages, and its dead letters."""

from functions.cleanup.settings import CleanupSettings
from tests.infra.services import (
    PUBSUB_AGENT,
    cleanup_subscription,
    cleanup_topic,
    function,
    grants,
    variables,
)
from tests.infra.state import Resource, State, parse_seconds

# The function drops a message of this age, because a newer run exists
# (functions/cleanup/cleaner.py). So an outage alone makes no dead letters.
_MAX_MESSAGE_AGE_S = 60 * 60


def dead_letter_topic(state: State) -> Resource:
    """Return the dead-letter topic."""
    policy = cleanup_subscription(state).block("dead_letter_policy")
    return state.referenced("pubsub_topic", policy["dead_letter_topic"])


def total_backoff_s(state: State) -> float:
    """Return the sum of the pauses before a message becomes a dead letter."""
    retry = cleanup_subscription(state).block("retry_policy")
    policy = cleanup_subscription(state).block("dead_letter_policy")
    attempts: int = policy["max_delivery_attempts"]
    minimum, maximum = (parse_seconds(retry[f"{each}_backoff"]) for each in ("minimum", "maximum"))
    return sum(min(minimum * 2.0**number, maximum) for number in range(attempts - 1))


def test_scheduler_publishes_every_hour_to_the_topic(state: State) -> None:
    [job] = state.of("cloud_scheduler_job")
    assert (job["schedule"], job["time_zone"]) == ("0 * * * *", "Etc/UTC")
    target = job.block("pubsub_target")["topic_name"]
    assert state.referenced("pubsub_topic", target) == cleanup_topic(state)


def test_scheduler_retries_a_failed_publish(state: State) -> None:
    [job] = state.of("cloud_scheduler_job")
    assert job.block("retry_config")["retry_count"] >= 1
    # Pub/Sub rejects an empty message.
    assert job.block("pubsub_target")["attributes"] or job.block("pubsub_target")["data"]


def test_push_uses_the_account_of_the_trigger(state: State) -> None:
    push = cleanup_subscription(state).block("push_config")
    url = function(state, "cleanup").block("service_config")["uri"]
    assert push["push_endpoint"].rstrip("/") == url
    token = cleanup_subscription(state).block("push_config", "oidc_token")
    [account] = state.of("service_account", email=token["service_account_email"])
    assert account["account_id"] == "cleanup-trigger"
    assert token["audience"] == url  # Cloud Run checks the audience


def test_pass_ends_before_its_message_is_delivered_again(state: State) -> None:
    default = CleanupSettings.model_fields["pass_s"].default
    pass_s = float(variables(state, "cleanup").get("CLEANUP_S", default))
    timeout_s = function(state, "cleanup").block("service_config")["timeout_seconds"]
    # A pass finishes its last page after `pass_s`.
    assert pass_s + 30 <= timeout_s < cleanup_subscription(state)["ack_deadline_seconds"] <= 600


def test_failed_message_backs_off_and_becomes_dead_letter(state: State) -> None:
    retry = cleanup_subscription(state).block("retry_policy")
    assert (
        1
        <= parse_seconds(retry["minimum_backoff"])
        < parse_seconds(retry["maximum_backoff"])
        <= 600
    )
    assert (
        5 <= cleanup_subscription(state).block("dead_letter_policy")["max_delivery_attempts"] <= 100
    )
    assert dead_letter_topic(state) != cleanup_topic(state)
    assert total_backoff_s(state) > _MAX_MESSAGE_AGE_S
    [keeper] = [
        each
        for each in state.of("pubsub_subscription")
        if state.referenced("pubsub_topic", each["topic"]) == dead_letter_topic(state)
    ]
    assert keeper["push_config"] == []
    assert parse_seconds(keeper["message_retention_duration"]) == 7 * 24 * 60 * 60


def test_subscriptions_never_expire(state: State) -> None:
    for each in state.of("pubsub_subscription"):
        assert each.block("expiration_policy")["ttl"] == "", each.address


def test_pubsub_may_move_dead_letters(state: State) -> None:
    roles = {role: values for member, role, _, values in grants(state) if member == PUBSUB_AGENT}
    assert roles.keys() == {"roles/pubsub.subscriber", "roles/pubsub.publisher"}
    source = roles["roles/pubsub.subscriber"]["subscription"]
    assert state.referenced("pubsub_subscription", source) == cleanup_subscription(state)
    target = roles["roles/pubsub.publisher"]["topic"]
    assert state.referenced("pubsub_topic", target) == dead_letter_topic(state)
