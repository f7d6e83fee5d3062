"""Checks of CORS, which only the web app needs."""

from scripts.client.doctor.features import Offer
from scripts.client.doctor.findings import Feature, Finding, Severity
from scripts.client.doctor.server import Answer, Server

_ORIGIN = "https://app.liftlog.online"
_HEADERS = ("authorization", "content-type", "x-api-key", "x-liftlog-probe")
_HUB_HEADERS = (*_HEADERS, "x-requested-with", "x-signalr-user-agent")
_PREFLIGHTS = (
    ("PUT", "/user", Feature.FEED, _HEADERS),
    ("POST", "/shareditem", Feature.SHARING, _HEADERS),
    ("POST", "/ai-chat-v2/negotiate", Feature.AI_PLANNER, _HUB_HEADERS),
    ("POST", "/backup", Feature.BACKUP, _HEADERS),
)
_SAFE_METHODS = {"GET", "HEAD", "POST"}  # they need no permission
_NEXT_STEP = (
    "Let the proxy pass OPTIONS and all headers named Access-Control-... through, and let it add "
    "none of its own."
)


async def check_browser(server: Server, offer: Offer) -> list[Finding]:
    """Send the preflights of a browser, and a request with its origin."""
    asked = await server.ask("GET", "/features", headers={"Origin": _ORIGIN})
    reasons = {Feature.FEED: _origin_problem(asked)} if offer.is_on else {}
    for method, path, feature, headers in _PREFLIGHTS:
        if offer.allows(feature):
            reasons[feature] = reasons.get(feature) or await _preflight(
                server, method, path, (*headers, *_own_headers(server))
            )
    refused = {feature: reason for feature, reason in reasons.items() if reason}
    if not refused:
        return []
    reason = next(iter(refused.values()))
    return [
        Finding(
            f"the web app in a browser cannot use this address (CORS): {reason}",
            _NEXT_STEP,
            frozenset(refused),
            Severity.WARNING,
        )
    ]


def _own_headers(server: Server) -> list[str]:
    return [name.lower() for name in server.backend.headers]


async def _preflight(server: Server, method: str, path: str, headers: tuple[str, ...]) -> str:
    """Return the reason why a browser refuses. Empty if it does not."""
    asked = {
        "Origin": _ORIGIN,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": ",".join(sorted({*headers})),
    }
    # A browser sends no headers of the user with a preflight.
    answer = await server.ask("OPTIONS", path, headers=asked, as_user=False)
    if not 200 <= answer.status < 300:  # noqa: PLR2004 - success
        return f"OPTIONS {path} is answered {answer.status}"
    return _origin_problem(answer) or _permission_problem(answer, method, headers)


def _origin_problem(answer: Answer) -> str:
    allowed = answer.headers.get_list("access-control-allow-origin")
    if len(allowed) > 1:
        return f"{answer.route} has two headers Access-Control-Allow-Origin"
    return "" if allowed in (["*"], [_ORIGIN]) else f"{answer.route} allows no other origin"


def _permission_problem(answer: Answer, method: str, headers: tuple[str, ...]) -> str:
    methods = _words(answer, "access-control-allow-methods")
    if method not in _SAFE_METHODS and not {method.lower(), "*"} & methods:
        return f"{answer.route} does not allow {method}"
    allowed = _words(answer, "access-control-allow-headers")
    # The wildcard does not include Authorization.
    missing = {"authorization"} if "*" in allowed else {*headers}
    refused = sorted(missing - allowed)
    return f"{answer.route} does not allow the header {refused[0]}" if refused else ""


def _words(answer: Answer, name: str) -> set[str]:
    return {word.strip().lower() for word in answer.headers.get(name, "").split(",")}
