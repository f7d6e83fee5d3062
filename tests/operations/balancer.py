"""A URL map as the balancer has it."""

from collections.abc import Mapping
from typing import Any

from scripts.operations.shares import FAMILIES

_BACKENDS = "https://www.googleapis.com/compute/v1/projects/liftlog-prod/global/backendServices"
_PATHS = {
    "users": ["/user/*", "/v2/user/*"],
    "events": ["/event", "/v2/event"],
    "social": ["/inbox/*", "/v2/inbox/*"],
    "sharing": ["/shareditem/*", "/v2/shareditem/*"],
    "ai": ["/ai/*", "/v2/ai/*"],
    "chat": ["/ai-chat", "/v2/ai-chat"],
}


def url_map(shares: Mapping[str, int], *, has_old: bool = True) -> dict[str, Any]:
    """Return the URL map in which the new services have `shares`."""
    rules = [
        {"paths": _PATHS[family], "routeAction": _action(family, shares[family], has_old=has_old)}
        for family in FAMILIES
    ]
    default = _action("users", shares["users"], has_old=has_old)
    return {
        "creationTimestamp": "2026-01-01T00:00:00.000-08:00",
        "fingerprint": "AAAAAAAAAAA=",
        "hostRules": [{"hosts": ["api.example.com"], "pathMatcher": "contract"}],
        "id": "1234567890123456789",
        "name": "liftlog",
        "defaultUrlRedirect": {"hostRedirect": "api.example.com", "stripQuery": False},
        "pathMatchers": [
            {"defaultRouteAction": default, "name": "contract", "pathRules": rules},
        ],
    }


def _action(family: str, share: int, *, has_old: bool) -> dict[str, Any]:
    new = {"backendService": f"{_BACKENDS}/{family}", "weight": share}
    old = {"backendService": f"{_BACKENDS}/old-{family}", "weight": 100 - share}
    return {"timeout": {"seconds": "300"}, "weightedBackendServices": [new, old][: 1 + has_old]}
