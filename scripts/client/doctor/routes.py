"""Checks of the routes of feed and sharing.

Each request lacks its required fields, so the server rejects it and changes nothing. The check
leaves out `POST /user/create`: its body has no required field.
"""

from collections import defaultdict
from http import HTTPStatus

from scripts.client.doctor.causes import FORWARD_ALL, cause_of
from scripts.client.doctor.findings import Cause, Feature, Finding, Severity
from scripts.client.doctor.server import Answer, Server

_FEED = frozenset({Feature.FEED})
_SHARING = frozenset({Feature.SHARING})
_BOTH = _FEED | _SHARING
_UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
_ROUTES = (
    ("PUT", "/user", _BOTH),
    ("GET", f"/user/{_UNKNOWN_ID}", _BOTH),
    ("POST", "/users", _BOTH),
    ("POST", "/user/delete", _BOTH),
    ("PUT", "/event", _FEED),
    ("POST", "/events", _FEED),
    ("PUT", "/inbox", _FEED),
    ("POST", "/inbox", _FEED),
    ("PUT", "/follow-secret", _FEED),
    ("POST", "/follow-secret/delete", _FEED),
    ("POST", "/shareditem", _SHARING),
)
_SWITCHES = {Feature.FEED: "FEED_ENABLED", Feature.SHARING: "SHARING_ENABLED"}
# The other routes are off only if both features are.
_OWN_ROUTES = {Feature.FEED: "POST /events", Feature.SHARING: "POST /shareditem"}
_MAX_LISTED = 4
_JSON = {"Content-Type": "application/json"}
_OFF = Cause("is off", "")
_MISSING = Cause("is missing (404)", FORWARD_ALL)
_REJECTED = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}
_PUT_USER_MISSING = Cause(
    "is answered 404: the app takes that for a deleted account. It deletes followers and feed on "
    "the phone, and creates a new account",
    f"Do not use this address in the app before PUT /user is answered 400. {FORWARD_ALL}",
)


async def check_routes(server: Server) -> list[Finding]:
    """Call each route without its required fields."""
    routes: defaultdict[Cause, list[str]] = defaultdict(list)
    features: defaultdict[Cause, set[Feature]] = defaultdict(set)
    for method, path, used_by in _ROUTES:
        content = None if method == "GET" else b"{}"
        answer = await server.ask(method, path, headers=_JSON if content else {}, content=content)
        cause = _judge(answer, server.backend.base)
        if cause is not None:
            # The id in the example has no meaning for the operator.
            routes[cause].append(f"{method} {path.replace(_UNKNOWN_ID, '{id}')}")
            features[cause] |= used_by
    off = routes.pop(_OFF, [])
    return [
        *(_off(feature) for feature, route in _OWN_ROUTES.items() if route in off),
        *(cause.finding(_listed(found), features[cause]) for cause, found in routes.items()),
    ]


def _listed(routes: list[str]) -> str:
    more = len(routes) - _MAX_LISTED
    listed = ", ".join(routes[:_MAX_LISTED])
    return f"{listed} and {more} more" if more > 0 else listed


def _judge(answer: Answer, base: str) -> Cause | None:
    """Return the cause of an unexpected response. None if LiftLog serves the route."""
    status = answer.status
    if status == HTTPStatus.LOCKED:
        return _OFF
    if status in _REJECTED and answer.is_problem:
        return None
    if status == HTTPStatus.NOT_FOUND and answer.route == "PUT /user":
        return _PUT_USER_MISSING
    if status == HTTPStatus.NOT_FOUND and answer.is_problem:
        is_missing = answer.problem_field("detail") == "no such route"
        is_read = answer.route.startswith("GET ")
        return None if is_read and not is_missing else _MISSING
    return cause_of(answer, base)


def _off(feature: Feature) -> Finding:
    return Finding(
        "it is switched off (423)",
        f"To switch it on, remove {_SWITCHES[feature]} from the settings, or set it to True.",
        frozenset({feature}),
        Severity.OFF,
    )
