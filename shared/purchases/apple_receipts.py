"""Receipts of the App Store, as apps before StoreKit 2 have them.

Source: https://developer.apple.com/documentation/appstorereceipts/verifyreceipt and .../status
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import HttpUrl

from shared.clients.http import Client
from shared.clients.secrets import Secrets
from shared.purchases.apple_settings import AppleSettings
from shared.purchases.authenticator import Purchase
from shared.purchases.provider_api import ProviderApi
from shared.timestamps import to_micros

_OK = 0
_MALFORMED_OR_TEMPORARY = 21002
_WRONG_SECRET = 21004
_OF_THE_SANDBOX = 21007
_NO_PURCHASE = frozenset({21003, 21006, 21010})
"""Not authentic; a subscription that has expired; an account that was deleted."""

_TRANSIENT = frozenset({_MALFORMED_OR_TEMPORARY, 21005, 21009, *range(21100, 21200)})
"""Faults of Apple's servers. Any other status means a mistake in our settings or code."""

_SEQUENCE = b"\x30"
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_BEGINNING = 32
_MOST_DIGITS = 15


class AppleReceipts:
    """Asks the App Store to read a receipt."""

    def __init__(
        self, settings: AppleSettings, secrets: Secrets, http: Client, timeout_s: float
    ) -> None:
        self._settings = settings
        self._shared_secret = secrets.get(settings, "shared_secret")
        self._production = ProviderApi("the App Store", http, timeout_s)
        self._sandbox = ProviderApi("the App Store's sandbox", http, timeout_s)

    async def find_purchase(self, receipt: str, now: datetime) -> Purchase | None:
        """Return the oldest purchase of the product in `receipt` that was not refunded, or None.

        One call. A second one for a receipt of the sandbox, and after a transient error.

        Raises:
            DependencyUnavailable: the App Store gave no answer.
        """
        if not _looks_like_a_receipt(receipt):
            return None
        api, environment = self._production, "Production"
        content = await self._read(api, self._settings.receipt_url, receipt)
        if content["status"] == _OF_THE_SANDBOX:
            if not self._settings.allow_sandbox:
                return None
            api, environment = self._sandbox, "Sandbox"
            content = await self._read(api, self._settings.sandbox_receipt_url, receipt)
        status = content["status"]
        if status in _NO_PURCHASE:
            return None
        if status == _OK and isinstance(content.get("receipt"), dict):
            original_id = self._original_id(api, content, now)
            # The ids of the two environments can be equal. Signed transactions use the same form.
            return None if original_id is None else Purchase.of(f"{environment} {original_id}")
        if status in _TRANSIENT:
            raise api.outage(f"status {status}")
        ours = ": our shared secret is refused" if status == _WRONG_SECRET else ""
        raise api.alarm(f"status {status}{ours}")

    async def _read(self, api: ProviderApi, url: HttpUrl, receipt: str) -> dict[str, Any]:
        content = await self._ask(api, url, receipt)
        if content["status"] == _MALFORMED_OR_TEMPORARY:
            content = await self._ask(api, url, receipt)
        return content

    async def _ask(self, api: ProviderApi, url: HttpUrl, receipt: str) -> dict[str, Any]:
        question = {
            "receipt-data": receipt,
            "password": await self._shared_secret.value(),
            "exclude-old-transactions": True,
        }
        content = (await api.post(str(url), question)).content
        if not isinstance(content.get("status"), int):
            raise api.alarm("an answer without a status")
        return content

    def _original_id(self, api: ProviderApi, content: dict[str, Any], now: datetime) -> str | None:
        """Return the smallest original transaction id of the purchases that count.

        A receipt lists its purchases in any order, and can list each of them twice.
        """
        if content["receipt"].get("bundle_id") != self._settings.bundle_id:
            return None
        ids = [
            item.get("original_transaction_id", "")
            for item in _purchases(content)
            if self._is_ours(item, now)
        ]
        if not all(isinstance(each, str) and each for each in ids):
            raise api.alarm("a purchase without an original transaction id")
        return min(ids, key=lambda each: (len(each), each), default=None)

    def _is_ours(self, item: dict[str, Any], now: datetime) -> bool:
        return (
            item.get("product_id") == self._settings.product
            and item.get("in_app_ownership_type") == "PURCHASED"
            and _number(item.get("quantity")) >= 1
            and not (item.get("cancellation_date") or item.get("cancellation_date_ms"))
            and ("expires_date_ms" not in item or _is_ahead(item["expires_date_ms"], now))
        )


def _looks_like_a_receipt(text: str) -> bool:
    """Whether it may be one. What is none is not sent: the status for it is that of an outage.

    A receipt is signed data of PKCS #7, which begins by saying so. Source: RFC 2315, section 7.
    """
    try:
        content = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    is_canonical = b64encode(content).decode() == text  # another spelling would cost a call
    return is_canonical and content[:1] == _SEQUENCE and _SIGNED_DATA in content[:_BEGINNING]


def _purchases(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for items in (content["receipt"].get("in_app"), content.get("latest_receipt_info")):
        if isinstance(items, list):
            yield from (item for item in items if isinstance(item, dict))


def _number(text: object) -> int:
    """Read a number, which receipts hold as text; 0 if it is none."""
    digits = str(text)
    return int(digits) if digits.isdecimal() and len(digits) <= _MOST_DIGITS else 0


def _is_ahead(milliseconds: object, now: datetime) -> bool:
    return _number(milliseconds) * 1000 > to_micros(now)
