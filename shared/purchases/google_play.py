"""Purchases in Google Play; the token is the purchase token.

Source: https://developers.google.com/android-publisher/api-ref/rest/v3/purchases.products
"""

from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote

from pydantic import HttpUrl
from pydantic_settings import SettingsConfigDict

from shared.clients.google_token import GoogleAccessToken, NoAccessTokenError
from shared.clients.http import Client
from shared.purchases.authenticator import Purchase
from shared.purchases.provider_api import (
    ProviderApi,
    ProviderResponse,
    error_reasons,
    is_path_segment,
)
from shared.settings import Settings

_SCOPE = "https://www.googleapis.com/auth/androidpublisher"
_PURCHASED = 0
_MAX_TOKEN_CHARACTERS = 2000
_INVALID_TOKEN_REASONS = ("invalid", "purchaseToken")
"""Prefixes of the reasons for a 400 about the token."""


class GooglePlaySettings(Settings):
    """The app and product of a valid purchase, and the address of the API."""

    model_config = SettingsConfigDict(env_prefix="GOOGLE_PLAY_")

    package: str = "com.limajuice.liftlog"
    """The package name of the app in Google Play."""

    product: str = "pro"
    """The id of the product that must be purchased."""

    url: HttpUrl = HttpUrl("https://androidpublisher.googleapis.com")
    """The base URL of the Android Publisher API."""


class GooglePlay:
    """Verifies purchases with Google Play, using the service account of this process."""

    def __init__(self, settings: GooglePlaySettings, http: Client, timeout_s: float) -> None:
        self._settings = settings
        self._api = ProviderApi("Google Play", http, timeout_s)
        self._token = GoogleAccessToken(_SCOPE, timeout_s)

    async def find_purchase(self, token: str, _now: datetime) -> Purchase | None:
        """Return the purchase of the product; None if it is pending, cancelled or refunded.

        Costs one call, and once an hour another for an access token.

        Raises:
            DependencyUnavailable: no response, or Google Play rejects our service account.
        """
        if not is_path_segment(token, _MAX_TOKEN_CHARACTERS):
            return None
        headers = {"Authorization": f"Bearer {await self._access_token()}"}
        response = await self._api.get(self._purchase_url(token), headers)
        if response.status == HTTPStatus.OK:
            return self._purchase(token, response)
        if _is_unknown_purchase(response):
            return None
        raise self._api.alert(f"the request is rejected ({response.status})")

    def _purchase_url(self, token: str) -> str:
        base = str(self._settings.url).rstrip("/")
        package, product, escaped = (
            quote(part, safe="") for part in (self._settings.package, self._settings.product, token)
        )
        return (
            f"{base}/androidpublisher/v3/applications/{package}"
            f"/purchases/products/{product}/tokens/{escaped}"
        )

    def _purchase(self, token: str, response: ProviderResponse) -> Purchase | None:
        bought = response.content
        if "purchaseState" not in bought:
            raise self._api.alert("a purchase has no state")
        was_refunded = bought.get("refundableQuantity", 1) == 0
        # Google can omit the product id: the URL already names the product.
        product = bought.get("productId", self._settings.product)
        is_ours = product == self._settings.product
        if not is_ours or was_refunded or bought["purchaseState"] != _PURCHASED:
            return None
        # The order id is missing for a purchase with a promotion code.
        order = bought.get("orderId")
        return Purchase.of(order if isinstance(order, str) and order else token)

    async def _access_token(self) -> str:
        try:
            return await self._token.value()
        except NoAccessTokenError as error:
            reason = str(error)
            raise (
                self._api.outage(reason) if error.is_transient else self._api.alert(reason)
            ) from None


def _is_unknown_purchase(response: ProviderResponse) -> bool:
    """Whether an error response means that the purchase does not exist.

    Google returns 404 or 410 for an unknown purchase, and 400 for a malformed token. But a 404 can
    also mean an unknown application or URL: that is an error in our settings.
    """
    reasons = error_reasons(response.content)
    match response.status:
        case HTTPStatus.GONE:
            return True
        case HTTPStatus.NOT_FOUND:
            return bool(reasons) and not any(each.startswith("application") for each in reasons)
        case HTTPStatus.BAD_REQUEST:
            return any(each.startswith(_INVALID_TOKEN_REASONS) for each in reasons)
        case _:
            return False
