"""How the cleanup is started, and what becomes of a message that it cannot deal with."""

from functions.cleanup.settings import CleanupSettings
from tests.infra.made import Made, Resource, seconds
from tests.infra.services import (
    AGENT,
    cleanup_subscription,
    cleanup_topic,
    function,
    grants,
    variables,
)

# In functions/cleanup/cleaner.py: then there is a newer run. Only what is no outage is put aside.
_GIVES_UP_AFTER_S = 60 * 60


def dead_letters(made: Made) -> Resource:
    """Return the topic of what could not be dealt with."""
    policy = cleanup_subscription(made).block("dead_letter_policy")
    return made.referred("pubsub_topic", policy["dead_letter_topic"])


def pauses_s(made: Made) -> float:
    """Return how long a message waits in all, before it is put aside."""
    retry = cleanup_subscription(made).block("retry_policy")
    policy = cleanup_subscription(made).block("dead_letter_policy")
    attempts: int = policy["max_delivery_attempts"]
    shortest, longest = (seconds(retry[f"{each}_backoff"]) for each in ("minimum", "maximum"))
    return sum(min(shortest * 2.0**number, longest) for number in range(attempts - 1))


def test_scheduler_publishes_every_hour_to_the_functions_topic(made: Made) -> None:
    [job] = made.of("cloud_scheduler_job")
    assert (job["schedule"], job["time_zone"]) == ("0 * * * *", "Etc/UTC")
    target = job.block("pubsub_target")["topic_name"]
    assert made.referred("pubsub_topic", target) == cleanup_topic(made)


def test_an_hour_is_not_left_out_because_publishing_failed_once(made: Made) -> None:
    [job] = made.of("cloud_scheduler_job")
    assert job.block("retry_config")["retry_count"] >= 1
    # Pub/Sub takes no message that is empty.
    assert job.block("pubsub_target")["attributes"] or job.block("pubsub_target")["data"]


def test_messages_are_pushed_to_the_function_by_an_account_of_their_own(made: Made) -> None:
    push = cleanup_subscription(made).block("push_config")
    url = function(made, "cleanup").block("service_config")["uri"]
    assert push["push_endpoint"].rstrip("/") == url
    token = cleanup_subscription(made).block("push_config", "oidc_token")
    [account] = made.of("service_account", email=token["service_account_email"])
    assert account["account_id"] == "cleanup-trigger"
    assert token["audience"] == url  # Cloud Run takes a token that is meant for it, and no other


def test_pass_ends_before_its_message_is_delivered_again(made: Made) -> None:
    default = CleanupSettings.model_fields["pass_s"].default
    pass_s = float(variables(made, "cleanup").get("CLEANUP_S", default))
    timeout_s = function(made, "cleanup").block("service_config")["timeout_seconds"]
    # A page that was begun just before the end of a pass is finished.
    assert pass_s + 30 <= timeout_s < cleanup_subscription(made)["ack_deadline_seconds"] <= 600


def test_a_message_that_fails_comes_again_later_and_later_and_is_kept_in_the_end(
    made: Made,
) -> None:
    retry = cleanup_subscription(made).block("retry_policy")
    assert 1 <= seconds(retry["minimum_backoff"]) < seconds(retry["maximum_backoff"]) <= 600
    assert (
        5 <= cleanup_subscription(made).block("dead_letter_policy")["max_delivery_attempts"] <= 100
    )
    assert dead_letters(made) != cleanup_topic(made)
    assert pauses_s(made) > _GIVES_UP_AFTER_S
    [kept] = [
        each
        for each in made.of("pubsub_subscription")
        if made.referred("pubsub_topic", each["topic"]) == dead_letters(made)
    ]
    assert kept["push_config"] == []
    assert seconds(kept["message_retention_duration"]) == 7 * 24 * 60 * 60


def test_no_subscription_ends_because_nothing_came(made: Made) -> None:
    for each in made.of("pubsub_subscription"):
        assert each.block("expiration_policy")["ttl"] == "", each.address


def test_pubsub_may_move_a_message_from_the_one_to_the_other(made: Made) -> None:
    may = {role: values for member, role, _, values in grants(made) if member == AGENT}
    assert may.keys() == {"roles/pubsub.subscriber", "roles/pubsub.publisher"}
    taken_from = may["roles/pubsub.subscriber"]["subscription"]
    assert made.referred("pubsub_subscription", taken_from) == cleanup_subscription(made)
    put_to = may["roles/pubsub.publisher"]["topic"]
    assert made.referred("pubsub_topic", put_to) == dead_letters(made)
