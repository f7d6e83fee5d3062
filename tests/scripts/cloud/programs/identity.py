"""Who one is as gcloud knows it, and what one may therefore read: tokens and secrets."""

from tests.scripts.cloud.programs.call import Call, Command, State

ACCESS_TOKEN = "access-token-of-the-stand-in"  # noqa: S105 - opens nothing


def access_token(_state: State, _call: Call) -> str:
    """Answer `gcloud auth print-access-token`."""
    return f"{ACCESS_TOKEN}\n"


def identity_token(state: State, call: Call) -> str:
    """Answer `gcloud auth print-identity-token --audiences=URL`, as somebody else."""
    if state.get("nobody_speaks_for_another"):
        raise KeyError("PERMISSION_DENIED: iam.serviceAccounts.getOpenIdToken")
    return f"token-for-{call.flags['audiences']}-as-{call.flags['impersonate-service-account']}\n"


def configure_docker(state: State, call: Call) -> str:
    """Do `gcloud auth configure-docker HOST`."""
    state["docker_knows"] = call.words[0]
    return ""


def access_secret(state: State, call: Call) -> str:
    """Answer `gcloud secrets versions access latest --secret=SECRET`."""
    if call.words != ["latest"]:
        raise KeyError(call.words)
    data: str = state["secrets"][call.flags["secret"]][-1]["data"]
    return data


COMMANDS: dict[str, Command] = {
    "auth print-access-token": access_token,
    "auth print-identity-token": identity_token,
    "auth configure-docker": configure_docker,
    "secrets versions access": access_secret,
}
