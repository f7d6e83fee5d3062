"""Receipts of the App Store, as apps before StoreKit 2 have them.

Source: https://developer.apple.com/documentation/appstorereceipts/verifyreceipt and .../status
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import HttpUrl

from shared.auth.apple_settings import AppleSettings
from shared.auth.store_api import StoreApi
from shared.instants import to_micros
from shared.outgoing import Client
from shared.secrets import Secrets

_OK = 0
_MALFORMED_OR_TEMPORARY = 21002
_WRONG_SECRET = 21004
_OF_THE_SANDBOX = 21007
_NO_PURCHASE = frozenset({21003, 21006, 21010})
"""Not authentic; a subscription that has expired; an account that was deleted."""

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
        self._shared_secret = secrets.of(settings, "shared_secret")
        self._production = StoreApi("the App Store", http, timeout_s)
        self._sandbox = StoreApi("the App Store's sandbox", http, timeout_s)

    async def is_entitled(self, receipt: str, now: datetime) -> bool:
        """Whether `receipt` holds a purchase of the product that was not taken back.

        One call; another one for a receipt of the sandbox, or if the store had a moment's trouble.

        Raises:
            DependencyUnavailable: the App Store did not say.
        """
        if not _looks_like_a_receipt(receipt):
            return False
        content = await self._read(self._production, self._settings.receipt_url, receipt)
        if content["status"] == _OF_THE_SANDBOX:
            if not self._settings.allow_sandbox:
                return False
            content = await self._read(self._sandbox, self._settings.sandbox_receipt_url, receipt)
        status = content["status"]
        if status in _NO_PURCHASE:
            return False
        if status == _OK and isinstance(content.get("receipt"), dict):
            return self._has_purchase(content, now)
        if status == _MALFORMED_OR_TEMPORARY:
            raise self._production.outage("it cannot read a receipt, or not now")
        ours = ": our shared secret is refused" if status == _WRONG_SECRET else ""
        raise self._production.alarm(f"status {status}{ours}")

    async def _read(self, api: StoreApi, url: HttpUrl, receipt: str) -> dict[str, Any]:
        content = await self._ask(api, url, receipt)
        if content["status"] == _MALFORMED_OR_TEMPORARY:
            content = await self._ask(api, url, receipt)
        return content

    async def _ask(self, api: StoreApi, url: HttpUrl, receipt: str) -> dict[str, Any]:
        question = {
            "receipt-data": receipt,
            "password": await self._shared_secret.value(),
            "exclude-old-transactions": True,
        }
        content = (await api.post(str(url), question)).content
        if not isinstance(content.get("status"), int):
            raise api.alarm("an answer without a status")
        return content

    def _has_purchase(self, content: dict[str, Any], now: datetime) -> bool:
        if content["receipt"].get("bundle_id") != self._settings.bundle_id:
            return False
        return any(self._is_ours(item, now) for item in _purchases(content))

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
    is_canonical = b64encode(content).decode() == text  # other spellings would be other tokens
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
