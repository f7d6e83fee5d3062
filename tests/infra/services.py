"""The services of an environment: six functions, and the chat."""

from typing import Any

from scripts.local.ports import FUNCTIONS, SERVICES
from tests.infra.environments import PROJECT_NUMBER
from tests.infra.made import Made, Resource

OF_THE_PLATFORM = {"FUNCTION_USE_ASGI", "LOG_EXECUTION_ID"}
"""What is set for functions, and read by the framework."""

AGENT = f"serviceAccount:service-{PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"
"""Pub/Sub itself, which moves what cannot be delivered."""


def function(made: Made, name: str) -> Resource:
    """Return a function."""
    return made.one("cloudfunctions2_function", name=name)


def chat(made: Made) -> Resource:
    """Return the service of the chat."""
    return made.one("cloud_run_v2_service", name="chat")


def variables(made: Made, service: str) -> dict[str, str]:
    """Return the environment that a service runs in, as far as we say it."""
    if service in FUNCTIONS:
        config = function(made, service).block("service_config")
        return dict(config["environment_variables"])
    container = chat(made).block("template", "containers")
    return {each["name"]: each["value"] for each in container["env"]}


def account(made: Made, service: str) -> str:
    """Return the address of the service account that a service runs as."""
    if service in FUNCTIONS:
        return str(function(made, service).block("service_config")["service_account_email"])
    return str(chat(made).block("template")["service_account"])


def accounts(made: Made) -> dict[str, str]:
    """Return every service's account."""
    return {service: account(made, service) for service in SERVICES}


def grants(made: Made) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return every role that is given: to whom, which, by which type of resource, its values."""
    return [
        (each["member"], each["role"], each.type, each.values)
        for each in made.resources
        if each.type.endswith("_iam_member")
    ]


def cleanup_subscription(made: Made) -> Resource:
    """Return the subscription that calls the cleanup."""
    [found] = [each for each in made.of("pubsub_subscription") if each["push_config"]]
    return found


def cleanup_topic(made: Made) -> Resource:
    """Return the topic that starts the cleanup."""
    return made.referred("pubsub_topic", cleanup_subscription(made)["topic"])
