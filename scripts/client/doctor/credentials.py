"""Causes of rejected credentials, and a check that `Authorization` reaches the server."""

from http import HTTPStatus

from scripts.client.backend import API_KEY_HEADER
from scripts.client.doctor.causes import cause_of
from scripts.client.doctor.findings import Feature, Finding, Severity
from scripts.client.doctor.server import Answer, Server

_PASS_ON = "Let the proxy pass all headers on, under their own names."  # noqa: S105 - no password
_NEGOTIATION = "/ai-chat-v2/negotiate?negotiateVersion=1"
# No purchase provider is called for the web app's key.
_INVALID_TOKEN = {"Authorization": "Bearer Web doctor"}


def rejected(server: Server, answer: Answer, feature: Feature) -> Finding:
    """Return the finding on a 401."""
    features = frozenset({feature})
    challenge = answer.headers.get("www-authenticate", "").lower()
    if answer.is_page or challenge.startswith(("basic", "digest", "negotiate")):
        return cause_of(answer, server.backend.base).finding(answer.route, features)
    if server.backend.api_key is not None:
        return _rejected_key(server, answer, feature)
    if "trusted prox" in answer.problem_field("detail"):
        return Finding(
            "the user name of the proxy's sign-in comes from a sender that LiftLog does not trust",
            "Add the address of the proxy, as the server sees it, to FORWARD_AUTH_TRUSTED_PROXIES.",
            features,
        )
    return _without_key(server, answer, feature)


def _rejected_key(server: Server, answer: Answer, feature: Feature) -> Finding:
    features = frozenset({feature})
    # The hub also accepts purchase tokens, so its 401 can mean the other header.
    is_about_key = feature is Feature.BACKUP or not _has_authorization(server)
    if is_about_key and answer.saw_credentials:
        return Finding(
            "the API key is wrong (401)",
            "Compare the key with API_KEYS in the settings of the server: upper and lower case "
            "count. After a change, restart the server.",
            features,
        )
    if is_about_key and answer.is_own_challenge:
        return Finding(f"the proxy removes the header {API_KEY_HEADER}", _PASS_ON, features)
    return Finding(
        "the API key is rejected (401)",
        f"Compare the key with that of the server, and check that the proxy passes the header "
        f"{API_KEY_HEADER} on.",
        features,
    )


def _without_key(server: Server, answer: Answer, feature: Feature) -> Finding:
    features = frozenset({feature})
    if _has_authorization(server) and feature is Feature.AI_PLANNER:
        if answer.saw_credentials:
            return Finding(
                "the value of Authorization is rejected (401)",
                "Check the purchase token, or use an API key.",
                features,
            )
        return Finding("the proxy removes the header Authorization", _PASS_ON, features)
    if not server.backend.headers:
        return Finding(
            "it needs an API key (401)",
            "Set API_KEYS in the settings of the server, and call this command with --api-key. In "
            f"the app, add the header {API_KEY_HEADER} to the backend.",
            features,
        )
    return Finding(
        "no credentials reach LiftLog (401)",
        "Add --api-key. With the sign-in of a proxy (forward auth): let the proxy set the header "
        "that FORWARD_AUTH_HEADER names, also for this path.",
        features,
    )


async def check_authorization(server: Server) -> list[Finding]:
    """Send an invalid purchase token. The response shows whether LiftLog received it."""
    if _has_authorization(server):
        return []
    answer = await server.ask("POST", _NEGOTIATION, headers=_INVALID_TOKEN, as_user=False)
    is_ours = answer.status == HTTPStatus.UNAUTHORIZED and answer.is_own_challenge
    if not is_ours or answer.saw_credentials:
        return []
    return [
        Finding(
            "the proxy removes the header Authorization: purchase tokens do not reach LiftLog",
            _PASS_ON,
            frozenset({Feature.AI_PLANNER}),
            Severity.WARNING,
        )
    ]


def _has_authorization(server: Server) -> bool:
    return any(name.lower() == "authorization" for name in server.backend.headers)
