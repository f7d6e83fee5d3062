"""App Store receipts, the tokens of apps without StoreKit 2.

Source: https://developer.apple.com/documentation/appstorereceipts/verifyreceipt and .../status
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import datetime

from pydantic import HttpUrl

from shared.clients.http import Client
from shared.clients.secrets import Secrets
from shared.purchases.apple_settings import AppleSettings
from shared.purchases.authenticator import Purchase
from shared.purchases.provider_api import JsonObject, ProviderApi
from shared.timestamps import to_micros

_OK = 0
_MALFORMED_OR_TEMPORARY = 21002
_WRONG_SECRET = 21004
_SANDBOX_RECEIPT = 21007
_NO_PURCHASE = frozenset({21003, 21006, 21010})
"""Not authentic; an expired subscription; a deleted account."""

_TRANSIENT = frozenset({_MALFORMED_OR_TEMPORARY, 21005, 21009, *range(21100, 21200)})
"""Faults of Apple's servers. Any other status means an error in our settings or code."""

# The first bytes of PKCS #7 signed data in DER: a sequence with the object identifier of the type.
_DER_SEQUENCE = b"\x30"
_DER_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_DER_HEADER_BYTES = 32
_MAX_DIGITS = 15


class AppleReceipts:
    """Verifies receipts with the App Store."""

    def __init__(
        self, settings: AppleSettings, secrets: Secrets, http: Client, timeout_s: float
    ) -> None:
        self._settings = settings
        self._shared_secret = secrets.get(settings, "shared_secret")
        self._production = ProviderApi("the App Store", http, timeout_s)
        self._sandbox = ProviderApi("the App Store's sandbox", http, timeout_s)

    async def find_purchase(self, receipt: str, now: datetime) -> Purchase | None:
        """Return the oldest purchase of the product in `receipt` that was not refunded, or None.

        Costs one call; a second for a sandbox receipt, and a retry after a transient error.

        Raises:
            DependencyUnavailable: no response from the App Store.
        """
        if not _is_receipt_format(receipt):
            return None
        # Apple requires production first. Status 21007 means that the receipt is of the sandbox.
        api, environment = self._production, "Production"
        content = await self._read(api, self._settings.receipt_url, receipt)
        if content["status"] == _SANDBOX_RECEIPT:
            if not self._settings.allow_sandbox:
                return None
            api, environment = self._sandbox, "Sandbox"
            content = await self._read(api, self._settings.sandbox_receipt_url, receipt)
        status = content["status"]
        if status in _NO_PURCHASE:
            return None
        if status == _OK and isinstance(content.get("receipt"), dict):
            original_id = self._original_id(api, content, now)
            # The environment is part of the id: both environments can use the same transaction id.
            # Signed transactions use the same format.
            return None if original_id is None else Purchase.of(f"{environment} {original_id}")
        if status in _TRANSIENT:
            raise api.outage(f"status {status}")
        reason = ": our shared secret is rejected" if status == _WRONG_SECRET else ""
        raise api.alert(f"status {status}{reason}")

    async def _read(self, api: ProviderApi, url: HttpUrl, receipt: str) -> JsonObject:
        content = await self._post(api, url, receipt)
        # The status can be a transient error of Apple, so one retry can succeed.
        if content["status"] == _MALFORMED_OR_TEMPORARY:
            content = await self._post(api, url, receipt)
        return content

    async def _post(self, api: ProviderApi, url: HttpUrl, receipt: str) -> JsonObject:
        body = {
            "receipt-data": receipt,
            "password": await self._shared_secret.value(),
            "exclude-old-transactions": True,
        }
        content = (await api.post(str(url), body)).content
        if not isinstance(content.get("status"), int):
            raise api.alert("the response has no status")
        return content

    def _original_id(self, api: ProviderApi, content: JsonObject, now: datetime) -> str | None:
        """Return the smallest original transaction id of the valid purchases.

        A receipt lists its purchases in any order, and can list a purchase twice.
        """
        # A receipt of another app is authentic, too.
        if content["receipt"].get("bundle_id") != self._settings.bundle_id:
            return None
        ids = [
            item.get("original_transaction_id", "")
            for item in _purchases(content)
            if self._is_ours(item, now)
        ]
        if not all(isinstance(each, str) and each for each in ids):
            raise api.alert("a purchase has no original transaction id")
        # Ids are numbers of different lengths, as text.
        return min(ids, key=lambda each: (len(each), each), default=None)

    def _is_ours(self, item: JsonObject, now: datetime) -> bool:
        return (
            item.get("product_id") == self._settings.product
            # By contract, only the buyer's own purchase counts, not one that a family shares.
            and item.get("in_app_ownership_type") == "PURCHASED"
            and _number(item.get("quantity")) >= 1
            # A cancellation is a refund by Apple. Receipts contain its date in two formats.
            and not (item.get("cancellation_date") or item.get("cancellation_date_ms"))
            and ("expires_date_ms" not in item or _is_future(item["expires_date_ms"], now))
        )


def _is_receipt_format(text: str) -> bool:
    """Whether `text` has the format of a receipt: PKCS #7 signed data in canonical base64.

    Other text is not sent to Apple, which would return the status of an outage for it.
    Source: RFC 2315, section 7.
    """
    try:
        content = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    # Each other spelling of a receipt would be a new cache key and cost a call.
    is_canonical = b64encode(content).decode() == text
    return (
        is_canonical
        and content[:1] == _DER_SEQUENCE
        and _DER_SIGNED_DATA in content[:_DER_HEADER_BYTES]
    )


def _purchases(content: JsonObject) -> Iterator[JsonObject]:
    for items in (content["receipt"].get("in_app"), content.get("latest_receipt_info")):
        if isinstance(items, list):
            yield from (item for item in items if isinstance(item, dict))


def _number(text: object) -> int:
    """Parse a number, which receipts contain as text; 0 if `text` is not a number."""
    digits = str(text)
    return int(digits) if digits.isdecimal() and len(digits) <= _MAX_DIGITS else 0


def _is_future(milliseconds: object, now: datetime) -> bool:
    return _number(milliseconds) * 1000 > to_micros(now)
