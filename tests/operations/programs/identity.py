"""Who one is as gcloud knows it, and what one may therefore read: tokens and secrets."""

from collections.abc import Callable, Mapping
from typing import Any

State = dict[str, Any]

ACCESS_TOKEN = "access-token-of-the-stand-in"  # noqa: S105 - opens nothing


def access_token(_state: State, _words: list[str], _flags: Mapping[str, str]) -> str:
    """Answer `gcloud auth print-access-token`."""
    return f"{ACCESS_TOKEN}\n"


def identity_token(state: State, _words: list[str], flags: Mapping[str, str]) -> str:
    """Answer `gcloud auth print-identity-token --audiences=URL`, as somebody else."""
    if state.get("nobody_speaks_for_another"):
        raise KeyError("PERMISSION_DENIED: iam.serviceAccounts.getOpenIdToken")
    return f"token-for-{flags['audiences']}-as-{flags['impersonate-service-account']}\n"


def configure_docker(state: State, words: list[str], _flags: Mapping[str, str]) -> str:
    """Do `gcloud auth configure-docker HOST`."""
    state["docker_knows"] = words[0]
    return ""


def access_secret(state: State, words: list[str], flags: Mapping[str, str]) -> str:
    """Answer `gcloud secrets versions access latest --secret=SECRET`."""
    if words != ["latest"]:
        raise KeyError(words)
    data: str = state["secrets"][flags["secret"]][-1]["data"]
    return data


COMMANDS: dict[str, Callable[[State, list[str], Mapping[str, str]], str]] = {
    "auth print-access-token": access_token,
    "auth print-identity-token": identity_token,
    "auth configure-docker": configure_docker,
    "secrets versions access": access_secret,
}
