"""Purchases in Google Play; the token is the purchase token.

Source: https://developers.google.com/android-publisher/api-ref/rest/v3/purchases.products
"""

import asyncio
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

import google.auth
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request
from pydantic import HttpUrl
from pydantic_settings import SettingsConfigDict

from shared.clients.http import Client
from shared.concurrency.single_flight import SingleFlight
from shared.purchases.authenticator import Purchase
from shared.purchases.provider_api import ProviderApi, ProviderResponse, reasons, stands_for_itself
from shared.settings import Settings

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

_SCOPE = "https://www.googleapis.com/auth/androidpublisher"
_PURCHASED = 0
_LONGEST_TOKEN = 2000
_ABOUT_TOKENS = ("invalid", "purchaseToken")


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
    """Asks Google Play, as the service account that this process runs as."""

    def __init__(self, settings: GooglePlaySettings, http: Client, timeout_s: float) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._api = ProviderApi("Google Play", http, timeout_s)
        self._credentials: Credentials | None = None
        self._signing_in = SingleFlight[str, str]()

    async def find_purchase(self, token: str, _now: datetime) -> Purchase | None:
        """Return the purchase of the product; None if it is pending, cancelled or refunded.

        One call; another once an hour for an access token.

        Raises:
            DependencyUnavailable: Google Play gave no answer, or refused our service account.
        """
        if not stands_for_itself(token, _LONGEST_TOKEN):
            return None
        headers = {"Authorization": f"Bearer {await self._access_token()}"}
        reply = await self._api.get(self._where(token), headers)
        if reply.status == HTTPStatus.OK:
            return self._purchase(token, reply)
        if _is_about_the_token(reply):
            return None
        raise self._api.alarm(f"the request is refused ({reply.status})")

    def _where(self, token: str) -> str:
        base = str(self._settings.url).rstrip("/")
        package, product, escaped = (
            quote(part, safe="") for part in (self._settings.package, self._settings.product, token)
        )
        return (
            f"{base}/androidpublisher/v3/applications/{package}"
            f"/purchases/products/{product}/tokens/{escaped}"
        )

    def _purchase(self, token: str, reply: ProviderResponse) -> Purchase | None:
        bought = reply.content
        if "purchaseState" not in bought:
            raise self._api.alarm("a purchase without a state")
        was_refunded = bought.get("refundableQuantity", 1) == 0
        product = bought.get("productId", self._settings.product)
        is_ours = product == self._settings.product
        if not is_ours or was_refunded or bought["purchaseState"] != _PURCHASED:
            return None
        order = bought.get("orderId")  # a purchase with a promotion code has none
        return Purchase.of(order if isinstance(order, str) and order else token)

    async def _access_token(self) -> str:
        if self._credentials is not None and self._credentials.valid:
            return str(self._credentials.token)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._signing_in.do(_SCOPE, lambda: asyncio.to_thread(self._sign_in))
        except (GoogleAuthError, TimeoutError, ValueError, TypeError, AttributeError) as error:
            # The last three: the library takes any 200 for an answer in JSON.
            why = f"no access token: {type(error).__name__}"
            raise self._api.outage(why) if _is_transient(error) else self._api.alarm(why) from None

    def _sign_in(self) -> str:
        """Return an access token; blocks, for at most `timeout_s` per call to the network."""
        if self._credentials is None:
            self._credentials, _ = google.auth.default(scopes=[_SCOPE])
        self._credentials.refresh(partial(Request(), timeout=self._timeout_s))
        return str(self._credentials.token)


def _is_transient(error: Exception) -> bool:
    """Whether signing in failed because its server, or the metadata server, was not available."""
    if isinstance(error, GoogleAuthError) and error.retryable:
        return True
    return any(isinstance(each, TimeoutError | TransportError) for each in (error, error.__cause__))


def _is_about_the_token(reply: ProviderResponse) -> bool:
    """Whether a refusal means that there is no such purchase.

    Google says so by 404 and 410, and by 400 for what cannot be a token; but also by 404 for an
    application or an address that it does not know, which is our mistake.
    """
    given = reasons(reply.content)
    match reply.status:
        case HTTPStatus.GONE:
            return True
        case HTTPStatus.NOT_FOUND:
            return bool(given) and not any(each.startswith("application") for each in given)
        case HTTPStatus.BAD_REQUEST:
            return any(each.startswith(_ABOUT_TOKENS) for each in given)
        case _:
            return False
