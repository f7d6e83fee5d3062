"""Fake of RevenueCat's API v2: active entitlements.

Source: https://www.revenuecat.com/docs/api-v2 (list of active entitlements, errors)
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from scripts.fakes.faults import Failing

KEY = "fake-revenuecat-key"
PROJECT = "proj1ab2c3d4"
ENTITLEMENT = "entla1b2c3d4e5"
SUBSCRIBER = "subscriber"
"""Prefix of the ids of customers with the entitlement."""


@dataclass(frozen=True)
class Entitlement:
    """An active entitlement. `expires_at` is in ms since 1970, None without an end."""

    id: str = ENTITLEMENT
    expires_at: int | None = None


def _default_entitlements(customer: str) -> list[Entitlement] | None:
    return [Entitlement()] if customer.startswith(SUBSCRIBER) else None


@dataclass
class RevenueCat:
    """A project and its customers. `entitlements_of` returns None for an unknown customer."""

    entitlements_of: Callable[[str], list[Entitlement] | None] = _default_entitlements
    key: str = KEY
    asked: list[str] = field(default_factory=list)
    """The requested customers."""

    def app(self) -> Failing:
        """Return the server."""
        path = "/v2/projects/{project}/customers/{customer:path}/active_entitlements"
        return Failing(Router([Route(path, self._list)]))

    async def _list(self, request: Request) -> Response:
        customer = request.path_params["customer"]
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return _error(401, "authentication_error")
        if request.path_params["project"] != PROJECT:
            return _error(404, "resource_missing")
        self.asked.append(customer)
        entitlements = self.entitlements_of(customer)
        if entitlements is None:
            return _error(404, "resource_missing")
        return JSONResponse(_page(request, entitlements))


def _page(request: Request, entitlements: list[Entitlement]) -> dict[str, Any]:
    ids = [each.id for each in entitlements]
    after = request.query_params.get("starting_after")
    begin = ids.index(after) + 1 if after in ids else 0
    # RevenueCat pages by the id of the last item, not by a number.
    end = begin + int(request.query_params.get("limit", "20"))
    address = request.url.path
    return {
        "object": "list",
        "items": [
            {
                "object": "customer.active_entitlement",
                "entitlement_id": each.id,
                "expires_at": each.expires_at,
            }
            for each in entitlements[begin:end]
        ],
        "next_page": f"{address}?starting_after={ids[end - 1]}" if end < len(ids) else None,
        "url": address,
    }


def _error(status: int, kind: str) -> Response:
    content = {"object": "error", "type": kind, "message": "...", "retryable": False}
    return JSONResponse(content, status)
