"""The services in a state: the functions and the chat."""

from scripts.local.ports import FUNCTIONS, SERVICES
from tests.infra.environments import PROJECT_NUMBER
from tests.infra.state import Resource, State, Values

WITH_DATABASE = tuple(name for name in SERVICES if name != "backup")
"""The services that use the database."""

PLATFORM_VARIABLES = {"FUNCTION_USE_ASGI", "LOG_EXECUTION_ID"}
"""Variables of all functions that the Functions Framework reads."""

PUBSUB_AGENT = f"serviceAccount:service-{PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"
"""Pub/Sub's own service account, which moves dead letters."""

Grant = tuple[str, str, str, Values]
"""Member, role, type of the resource that makes the grant, and its values."""


def function(state: State, name: str) -> Resource:
    """Return a function."""
    return state.one("cloudfunctions2_function", name=name)


def chat(state: State) -> Resource:
    """Return the Cloud Run service of the chat."""
    return state.one("cloud_run_v2_service", name="chat")


def variables(state: State, service: str) -> dict[str, str]:
    """Return the environment variables of a service."""
    if service in FUNCTIONS:
        config = function(state, service).block("service_config")
        return dict(config["environment_variables"])
    container = chat(state).block("template", "containers")
    return {each["name"]: each["value"] for each in container["env"]}


def account(state: State, service: str) -> str:
    """Return the email address of the service account that a service runs as."""
    if service in FUNCTIONS:
        return str(function(state, service).block("service_config")["service_account_email"])
    return str(chat(state).block("template")["service_account"])


def accounts(state: State) -> dict[str, str]:
    """Return the email address of every service's account."""
    return {service: account(state, service) for service in SERVICES}


def grants(state: State) -> list[Grant]:
    """Return all grants of roles."""
    return [
        (each["member"], each["role"], each.type, each.values)
        for each in state.resources
        if each.type.endswith("_iam_member")
    ]


def cleanup_subscription(state: State) -> Resource:
    """Return the subscription that calls the cleanup."""
    [found] = [each for each in state.of("pubsub_subscription") if each["push_config"]]
    return found


def cleanup_topic(state: State) -> Resource:
    """Return the topic that starts the cleanup."""
    return state.referenced("pubsub_topic", cleanup_subscription(state)["topic"])
