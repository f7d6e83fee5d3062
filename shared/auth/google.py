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
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from pydantic import HttpUrl
from pydantic_settings import SettingsConfigDict

from shared.auth.store_api import Reply, StoreApi, stands_for_itself
from shared.outgoing import Client
from shared.settings import Settings
from shared.single_flight import SingleFlight

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

_SCOPE = "https://www.googleapis.com/auth/androidpublisher"
_PURCHASED = 0
_LONGEST_TOKEN = 2000
_ABOUT_TOKENS = ("invalid", "purchaseToken")


class GooglePlaySettings(Settings):
    """What has to be bought."""

    model_config = SettingsConfigDict(env_prefix="GOOGLE_PLAY_")

    package: str = "com.limajuice.liftlog"
    product: str = "pro"
    url: HttpUrl = HttpUrl("https://androidpublisher.googleapis.com")


class GooglePlay:
    """Asks Google Play, as the service account that this process runs as."""

    def __init__(self, settings: GooglePlaySettings, http: Client, timeout_s: float) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._api = StoreApi("Google Play", http, timeout_s)
        self._credentials: Credentials | None = None
        self._signing_in = SingleFlight[str, str]()

    async def is_entitled(self, token: str, _now: datetime) -> bool:
        """Whether `token` is a purchase of the product that is neither pending nor taken back.

        One call; another once an hour for an access token.

        Raises:
            DependencyUnavailable: Google Play did not say, or does not know our service account.
        """
        if not stands_for_itself(token, _LONGEST_TOKEN):
            return False
        headers = {"Authorization": f"Bearer {await self._access_token()}"}
        reply = await self._api.get(self._where(token), headers)
        if reply.status == HTTPStatus.OK:
            return self._is_purchase(reply)
        if _is_about_the_token(reply):
            return False
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

    def _is_purchase(self, reply: Reply) -> bool:
        bought = reply.content
        if "purchaseState" not in bought:
            raise self._api.alarm("a purchase without a state")
        was_refunded = bought.get("refundableQuantity", 1) == 0
        product = bought.get("productId", self._settings.product)
        is_ours = product == self._settings.product
        return is_ours and not was_refunded and bought["purchaseState"] == _PURCHASED

    async def _access_token(self) -> str:
        if self._credentials is not None and self._credentials.valid:
            return str(self._credentials.token)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._signing_in.do(_SCOPE, lambda: asyncio.to_thread(self._sign_in))
        except (GoogleAuthError, TimeoutError, ValueError, TypeError, AttributeError) as error:
            # The last three: the library takes any 200 for an answer in JSON.
            raise self._api.alarm(f"no access token: {type(error).__name__}") from None

    def _sign_in(self) -> str:
        """Return an access token; blocks, for at most `timeout_s` per call to the network."""
        if self._credentials is None:
            self._credentials, _ = google.auth.default(scopes=[_SCOPE])
        self._credentials.refresh(partial(Request(), timeout=self._timeout_s))
        return str(self._credentials.token)


def _is_about_the_token(reply: Reply) -> bool:
    """Whether a refusal means that there is no such purchase.

    Google says so by 404 and 410, and by 400 for what cannot be a token; but also by 404 for an
    application or an address that it does not know, which is our mistake.
    """
    reasons = _reasons(reply)
    match reply.status:
        case HTTPStatus.GONE:
            return True
        case HTTPStatus.NOT_FOUND:
            return bool(reasons) and not any(each.startswith("application") for each in reasons)
        case HTTPStatus.BAD_REQUEST:
            return any(each.startswith(_ABOUT_TOKENS) for each in reasons)
        case _:
            return False


def _reasons(reply: Reply) -> list[str]:
    error = reply.content.get("error")
    errors = error.get("errors") if isinstance(error, dict) else None
    if not isinstance(errors, list):
        return []
    return [str(each.get("reason")) for each in errors if isinstance(each, dict)]
