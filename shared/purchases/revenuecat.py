"""Purchases in RevenueCat; the token is the id of a RevenueCat customer.

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
from shared.purchases.provider_api import ProviderApi, ProviderResponse, is_path_segment
from shared.settings import Settings

_PAGE_SIZE = 20
# Bounds the calls of one verification, also if the list of entitlements has no end.
_MAX_PAGES = 20
_MAX_CUSTOMER_ID_CHARACTERS = 1500


class RevenueCatSettings(Settings):
    """The entitlement that a customer needs, and the key for RevenueCat's API."""

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
    """Verifies customers by their active entitlements."""

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

        The customer's id is the id of the purchase. RevenueCat compares ids exactly, so a customer
        has only one token. Costs one call per 20 entitlements.

        Raises:
            DependencyUnavailable: no response from RevenueCat, or its settings are missing.
        """
        if not is_path_segment(token, _MAX_CUSTOMER_ID_CHARACTERS):
            return None
        if not (self._settings.project and self._settings.entitlement):
            raise self._api.alert("REVENUECAT_PROJECT or REVENUECAT_ENTITLEMENT is missing")
        headers = {"Authorization": f"Bearer {await self._api_key.value()}"}
        url = self._entitlements_url(token)
        after = ""
        for _ in range(_MAX_PAGES):
            response = await self._api.get(f"{url}?limit={_PAGE_SIZE}{after}", headers)
            if _is_unknown_customer(response):
                return None
            page = self._page(response)
            if any(item.entitlement_id == self._settings.entitlement for item in page.items):
                return Purchase.of(token)
            if not (page.next_page and page.items):
                return None
            # Not the URL in `next_page`: a response must not choose the host that gets our key.
            after = f"&starting_after={quote(page.items[-1].entitlement_id, safe='')}"
        raise self._api.alert("the list of entitlements does not end")

    def _entitlements_url(self, customer: str) -> str:
        base = str(self._settings.url).rstrip("/")
        path = f"projects/{self._settings.project}/customers/{quote(customer, safe='')}"
        return f"{base}/v2/{path}/active_entitlements"

    def _page(self, response: ProviderResponse) -> _Page:
        try:
            if response.status == HTTPStatus.OK:
                return _Page.model_validate(response.content)
        except ValidationError:
            pass
        reason = f"the response is not a list of entitlements ({response.status})"
        is_transient = response.content.get("retryable") is True
        raise self._api.outage(reason) if is_transient else self._api.alert(reason)


def _is_unknown_customer(response: ProviderResponse) -> bool:
    """Whether the customer does not exist, or the id has an invalid format."""
    error = response.content.get("type")
    is_invalid_id = error == "parameter_error" and response.content.get("param") == "customer_id"
    return error == "resource_missing" or is_invalid_id
