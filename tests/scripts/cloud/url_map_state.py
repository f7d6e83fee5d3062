"""A URL map as the load balancer returns it."""

from collections.abc import Mapping
from typing import Any

from scripts.admin.traffic_split import FAMILIES

_BACKENDS = "https://www.googleapis.com/compute/v1/projects/liftlog-prod/global/backendServices"
_PREFIXES = {
    "users": "user",
    "events": "event",
    "social": "inbox",
    "sharing": "shareditem",
    "ai": "ai/",
    "chat": "ai-chat",
    "backup": "backup",
}


def build_url_map(split: Mapping[str, int], *, has_old: bool = True) -> dict[str, Any]:
    """Return a URL map with the weights of a traffic split."""
    rules = [
        {
            "priority": priority,
            "matchRules": [
                {"prefixMatch": f"{root}{_PREFIXES[family]}", "ignoreCase": True}
                for root in ("/", "/v2/")
            ],
            "routeAction": _action(family, split[family], has_old=has_old),
        }
        for priority, family in enumerate(FAMILIES, 1)
    ]
    default = _action("users", split["users"], has_old=has_old)
    return {
        "creationTimestamp": "2026-01-01T00:00:00.000-08:00",
        "fingerprint": "AAAAAAAAAAA=",
        "hostRules": [{"hosts": ["api.example.com"], "pathMatcher": "contract"}],
        "id": "1234567890123456789",
        "name": "liftlog",
        "defaultUrlRedirect": {"hostRedirect": "api.example.com", "stripQuery": False},
        "pathMatchers": [
            {"defaultRouteAction": default, "name": "contract", "routeRules": rules},
        ],
    }


def _action(family: str, percent: int, *, has_old: bool) -> dict[str, Any]:
    new = {"backendService": f"{_BACKENDS}/{family}", "weight": percent}
    old = {"backendService": f"{_BACKENDS}/old-{family}", "weight": 100 - percent}
    return {"timeout": {"seconds": "300"}, "weightedBackendServices": [new, old][: 1 + has_old]}
