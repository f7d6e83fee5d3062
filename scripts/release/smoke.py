"""`smoke`: checks that the new revisions are ready and handle the main use cases."""

import time
from collections.abc import Mapping

import httpx

from scripts.cloud.command import RefusedError
from scripts.cloud.runner import CommandFailedError
from scripts.local.ports import CALLED_BY_APPS
from scripts.release.context import ReleaseContext
from scripts.release.release import Service

_TIMEOUT_S = 10
_RETRY_DELAY_S = 2
_PRIVATE_SERVICE = "cleanup"
_INVOKER = "cleanup-trigger"


def smoke(context: ReleaseContext) -> None:
    """Test every service: new revisions at their own addresses, others at their usual ones.

    Raises:
        RefusedError: a test failed; no traffic has moved.
    """
    services = context.load_release("services", "apply").services or {}
    try:
        for name, service in services.items():
            _await_ready(context, name, service)
        _check_features(context, services)
        _run_clients(context, services)
    except (CommandFailedError, RefusedError) as error:
        raise RefusedError(
            f"{error}\nNo traffic was moved. New revisions have the tag candidate: see their logs"
        ) from None


def _await_ready(context: ReleaseContext, name: str, service: Service) -> None:
    url = f"{service.url}/health/ready"
    headers = _credentials(context, service) if name == _PRIVATE_SERVICE else {}
    if context.runner.is_dry:
        context.print(f"  GET {url}")
        return
    # A revision without traffic may have no instance, and starts one for this request.
    deadline = time.monotonic() + context.options.ready_within_s
    while (problem := _problem(url, headers)) is not None:
        if time.monotonic() >= deadline:
            raise RefusedError(f"{name} is not ready: {problem}, from {url}")
        time.sleep(_RETRY_DELAY_S)
    context.print(f"{name} is ready: {url}")


def _problem(url: str, headers: Mapping[str, str]) -> str | None:
    """Return the reason why a service is not ready; None if it is.

    Transport errors count as not ready: the first instance of a revision may still start.
    """
    try:
        response = httpx.get(url, headers=headers, timeout=_TIMEOUT_S)
    except httpx.TransportError as error:
        return str(error) or type(error).__name__
    return None if response.is_success else f"{response.status_code} {response.text}"


def _check_features(context: ReleaseContext, services: Mapping[str, Service]) -> None:
    """Compare the answers of `/features`: apps ask `users`, and then use the other services."""
    answers = {}
    for name, service in services.items():
        if name == _PRIVATE_SERVICE:
            continue
        url = f"{service.url}/features"
        if context.runner.is_dry:
            context.print(f"  GET {url}")
            continue
        answers[name] = _features(name, url)
    if len(set(answers.values())) > 1:
        listed = "\n".join(f"  {name}: {answer}" for name, answer in answers.items())
        raise RefusedError(f"the services offer different features:\n{listed}")
    for answer in set(answers.values()):
        context.print(f"features of all services: {answer}")


def _features(name: str, url: str) -> str:
    """Return the features of a service, for example `feed, sharing`."""
    try:
        response = httpx.get(url, timeout=_TIMEOUT_S)
    except httpx.TransportError as error:
        reason = str(error) or type(error).__name__
        raise RefusedError(f"{name} does not answer {url}: {reason}") from None
    try:
        features = dict(response.raise_for_status().json())
    except (httpx.HTTPStatusError, ValueError, TypeError):
        status = response.status_code
        raise RefusedError(f"{name} does not list its features: {status}, from {url}") from None
    return ", ".join(each for each, is_offered in features.items() if is_offered) or "none"


def _credentials(context: ReleaseContext, service: Service) -> dict[str, str]:
    """Return the headers that authorize a call of the private service.

    Raises:
        RefusedError: gcloud returned no token; the message has the missing role.
    """
    account = f"{_INVOKER}@{context.environment.project}.iam.gserviceaccount.com"
    command = ("gcloud", "auth", "print-identity-token", f"--impersonate-service-account={account}")
    # The audience is the service, also at the address of a tagged revision.
    flags = (f"--audiences={service.address}", "--include-email")
    try:
        token = context.runner.read(*command, *flags, if_dry="").strip()
    except CommandFailedError as error:
        raise RefusedError(
            f"{error}\nIf permission was denied, grant yourself this role once (owners need it"
            f" too), and wait a few minutes:\n"
            f"  gcloud iam service-accounts add-iam-policy-binding {account} {context.project_flag}"
            " --member=user:YOU --role=roles/iam.serviceAccountTokenCreator"
        ) from None
    return {"Authorization": f"Bearer {token}"}


def _run_clients(context: ReleaseContext, services: Mapping[str, Service]) -> None:
    secrets = _purchase(context)
    names = [name for name in CALLED_BY_APPS if name in services]
    addresses = [f"{name}={services[name].url}" for name in names]
    for era in ("2025", "2026"):
        context.runner.change("./scripts/journey", "--era", era, *addresses, secrets=secrets)
    # The chat accepts subscribers only.
    if secrets and "chat" in services:
        context.runner.change("./scripts/chat", services["chat"].url, secrets=secrets)


def _purchase(context: ReleaseContext) -> dict[str, str]:
    """Return a purchase token in an environment variable; empty without a key for the web."""
    # Imports the settings of the purchase providers, which the other stages do not need.
    from scripts.cloud.known_secrets import get_secret  # noqa: PLC0415

    web_key = get_secret("WEB_AUTH_KEY")
    configured = context.environment.secrets
    if configured is not None and web_key.variable not in configured:
        context.print(f"no {web_key.variable}: requests that need a subscription are skipped")
        return {}
    command = ("gcloud", "secrets", "versions", "access", "latest", f"--secret={web_key.id}")
    key = context.runner.read(*command, context.project_flag, if_dry="").strip()
    return {"PURCHASE_TOKEN": f"Web {key}"}
