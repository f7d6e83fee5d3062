"""`smoke`: whether the new revisions are ready, and whether Alice and Bob come through."""

import time
from collections.abc import Mapping

import httpx

from scripts.cloud.calls import FailedCallError
from scripts.cloud.command import RefusedError
from scripts.local.ports import CALLED_BY_APPS
from scripts.release.delivery import Delivery
from scripts.release.release import Service

_TIMEOUT_S = 10
_EACH_S = 2
_PRIVATE = "cleanup"
_INVOKER = "cleanup-trigger"


def smoke(delivery: Delivery) -> None:
    """Try every service where its new revision answers, and those that stay as they are.

    Raises:
        RefusedError: something does not work; no traffic has moved.
    """
    services = delivery.release("services", "apply").services or {}
    try:
        for name, service in services.items():
            _await_ready(delivery, name, service)
        _play(delivery, services)
    except (FailedCallError, RefusedError) as error:
        raise RefusedError(
            f"{error}\nNo traffic was moved. What failed has the tag candidate: look at its log"
        ) from None


def _await_ready(delivery: Delivery, name: str, service: Service) -> None:
    url = f"{service.url}/health/ready"
    headers = _credentials(delivery, service) if name == _PRIVATE else {}
    if delivery.calls.is_dry:
        delivery.say(f"  GET {url}")
        return
    end = time.monotonic() + delivery.options.ready_within_s
    while (problem := _problem(url, headers)) is not None:
        if time.monotonic() >= end:
            raise RefusedError(f"{name} is not ready: {problem}, from {url}")
        time.sleep(_EACH_S)
    delivery.say(f"{name} is ready: {url}")


def _problem(url: str, headers: Mapping[str, str]) -> str | None:
    """Return what is not well; None if all is. What starts right now may take its time."""
    try:
        answer = httpx.get(url, headers=headers, timeout=_TIMEOUT_S)
    except httpx.TransportError as error:
        return str(error) or type(error).__name__
    return None if answer.is_success else f"{answer.status_code} {answer.text}"


def _credentials(delivery: Delivery, service: Service) -> dict[str, str]:
    """Return what proves that we are who alone may call the service.

    Raises:
        RefusedError: we may not be that one; says what helps.
    """
    account = f"{_INVOKER}@{delivery.environment.project}.iam.gserviceaccount.com"
    command = ("gcloud", "auth", "print-identity-token", f"--impersonate-service-account={account}")
    # Also for a revision's own address it is the service that a token is for.
    flags = (f"--audiences={service.address}", "--include-email")
    try:
        token = delivery.calls.read(*command, *flags, if_dry="").strip()
    except FailedCallError as error:
        raise RefusedError(
            f"{error}\nIf permission was denied: not even owners may speak for an account unless "
            f"they are let, once and a few minutes before:\n"
            f"  gcloud iam service-accounts add-iam-policy-binding {account} {delivery.project}"
            " --member=user:YOU --role=roles/iam.serviceAccountTokenCreator"
        ) from None
    return {"Authorization": f"Bearer {token}"}


def _play(delivery: Delivery, services: Mapping[str, Service]) -> None:
    secrets = _purchase(delivery)
    needed = [name for name in CALLED_BY_APPS if name in services]
    addresses = [f"{name}={services[name].url}" for name in needed]
    delivery.calls.change("./scripts/journey", *addresses, secrets=secrets)
    if secrets and "chat" in services:
        delivery.calls.change("./scripts/chat", services["chat"].url, secrets=secrets)


def _purchase(delivery: Delivery) -> dict[str, str]:
    """Return what proves a purchase, for the environment of a client; nothing if there is none."""
    # Loads what serves subscribers, for which the other stages need not wait.
    from scripts.cloud.known_secrets import find  # noqa: PLC0415

    web_key = find("WEB_AUTH_KEY")
    known = delivery.environment.secrets
    if known is not None and web_key.variable not in known:
        delivery.say(f"without {web_key.variable} nothing is tried that only subscribers may do")
        return {}
    command = ("gcloud", "secrets", "versions", "access", "latest", f"--secret={web_key.id}")
    key = delivery.calls.read(*command, delivery.project, if_dry="").strip()
    return {"PURCHASE_TOKEN": f"Web {key}"}
