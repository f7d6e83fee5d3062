"""Identities in a fake gcloud: tokens, and secrets that they give access to.

With `impersonation_denied` in the state, no token of another account is issued.
"""

from tests.scripts.cloud.fake_programs.program_run import Program, ProgramRun, State

ACCESS_TOKEN = "fake-access-token"  # noqa: S105 - gives access to a fake only


def print_access_token(_state: State, _run: ProgramRun) -> str:
    """Handle `gcloud auth print-access-token`."""
    return f"{ACCESS_TOKEN}\n"


def print_identity_token(state: State, run: ProgramRun) -> str:
    """Handle `gcloud auth print-identity-token --audiences=URL` for another account."""
    if state.get("impersonation_denied"):
        raise KeyError("PERMISSION_DENIED: iam.serviceAccounts.getOpenIdToken")
    return f"token-for-{run.flags['audiences']}-as-{run.flags['impersonate-service-account']}\n"


def configure_docker(state: State, run: ProgramRun) -> str:
    """Handle `gcloud auth configure-docker HOST`."""
    state["docker_host"] = run.words[0]
    return ""


def access_secret(state: State, run: ProgramRun) -> str:
    """Handle `gcloud secrets versions access latest --secret=SECRET`."""
    if run.words != ["latest"]:
        raise KeyError(run.words)
    data: str = state["secrets"][run.flags["secret"]][-1]["data"]
    return data


COMMANDS: dict[str, Program] = {
    "auth print-access-token": print_access_token,
    "auth print-identity-token": print_identity_token,
    "auth configure-docker": configure_docker,
    "secrets versions access": access_secret,
}
