"""Purchases that RevenueCat keeps; the token is its customer id.

Source: https://www.revenuecat.com/docs/api-v2 (customer, list of active entitlements)
"""

from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote

from pydantic import BaseModel, Field, HttpUrl, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from shared.clients.http import Client
from shared.clients.secrets import Secrets
from shared.purchases.authenticator import Purchase
from shared.purchases.provider_api import ProviderApi, ProviderResponse, stands_for_itself
from shared.settings import Settings

_PAGE_SIZE = 20
_MOST_PAGES = 20
_LONGEST_ID = 1500


class RevenueCatSettings(Settings):
    """Which of a customer's entitlements counts, and our access to it."""

    model_config = SettingsConfigDict(env_prefix="REVENUECAT_")

    api_key: SecretStr | None = None
    """A key of version 2 that may read customer information."""

    project: str = Field(default="", pattern=r"^[A-Za-z0-9_-]*$")
    entitlement: str = ""
    """Its id, which begins with `entl`; not its lookup key."""

    url: HttpUrl = HttpUrl("https://api.revenuecat.com")


class _Entitlement(BaseModel):
    """An active entitlement. It stays listed during a grace period, after its `expires_at`."""

    entitlement_id: str


class _Page(BaseModel):
    items: list[_Entitlement]
    next_page: str | None = None


class RevenueCat:
    """Asks for a customer's active entitlements."""

    def __init__(
        self,
        settings: RevenueCatSettings,
        secrets: Secrets,
        http: Client,
        timeout_s: float,
    ) -> None:
        self._settings = settings
        self._api_key = secrets.get(settings, "api_key")
        self._api = ProviderApi("RevenueCat", http, timeout_s)

    async def find_purchase(self, token: str, _now: datetime) -> Purchase | None:
        """Return the purchase of the customer `token`; None without the entitlement.

        The customer's id names the purchase. RevenueCat gets it character by character, so one
        spelling is one customer. One call per 20 entitlements.

        Raises:
            DependencyUnavailable: RevenueCat did not say, or our access to it is not configured.
        """
        if not stands_for_itself(token, _LONGEST_ID):
            return None
        if not (self._settings.project and self._settings.entitlement):
            raise self._api.alarm("REVENUECAT_PROJECT or REVENUECAT_ENTITLEMENT is missing")
        headers = {"Authorization": f"Bearer {await self._api_key.value()}"}
        listing = self._listing(token)
        after = ""
        for _ in range(_MOST_PAGES):
            reply = await self._api.get(f"{listing}?limit={_PAGE_SIZE}{after}", headers)
            if _is_no_customer(reply):
                return None
            page = self._page(reply)
            if any(item.entitlement_id == self._settings.entitlement for item in page.items):
                return Purchase.of(token)
            if not (page.next_page and page.items):
                return None
            after = f"&starting_after={quote(page.items[-1].entitlement_id, safe='')}"
        raise self._api.alarm("the list of entitlements does not end")

    def _listing(self, customer: str) -> str:
        base = str(self._settings.url).rstrip("/")
        where = f"projects/{self._settings.project}/customers/{quote(customer, safe='')}"
        return f"{base}/v2/{where}/active_entitlements"

    def _page(self, reply: ProviderResponse) -> _Page:
        try:
            if reply.status == HTTPStatus.OK:
                return _Page.model_validate(reply.content)
        except ValidationError:
            pass
        why = f"no list of entitlements ({reply.status})"
        is_transient = reply.content.get("retryable") is True
        raise self._api.outage(why) if is_transient else self._api.alarm(why)


def _is_no_customer(reply: ProviderResponse) -> bool:
    """Whether RevenueCat says that there is no such customer, or cannot be one."""
    error = reply.content.get("type")
    is_none = error == "parameter_error" and reply.content.get("param") == "customer_id"
    return error == "resource_missing" or is_none
