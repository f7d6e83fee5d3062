"""Purchases in the App Store; the token is a signed transaction, or a receipt of older apps.

Source: contract, heading "Purchase tokens".
"""

from collections.abc import Sequence
from datetime import datetime

from shared.clients.http import Client
from shared.clients.secrets import Secrets
from shared.purchases.apple_receipts import AppleReceipts
from shared.purchases.apple_root import APPLE_ROOT_CA_G3
from shared.purchases.apple_settings import AppleSettings
from shared.purchases.apple_transactions import AppleTransactions
from shared.purchases.authenticator import Purchase

_JWS_PARTS = 3


class Apple:
    """Verifies both kinds of token. For one purchase, both lead to an equal `Purchase`.

    `roots` are the trusted root certificates of signed transactions, in DER.
    """

    def __init__(
        self,
        settings: AppleSettings,
        secrets: Secrets,
        http: Client,
        timeout_s: float,
        roots: Sequence[bytes] = (APPLE_ROOT_CA_G3,),
    ) -> None:
        self._receipts = AppleReceipts(settings, secrets, http, timeout_s)
        self._transactions = AppleTransactions(settings, secrets, http, timeout_s, roots)

    async def find_purchase(self, token: str, now: datetime) -> Purchase | None:
        """Return the purchase of the product that `token` proves; None if it proves no purchase.

        Raises:
            DependencyUnavailable: no response from the App Store.
        """
        # A JWS consists of three parts, separated by dots. A receipt is base64 without dots.
        if len(token.split(".")) == _JWS_PARTS:
            return await self._transactions.find_purchase(token, now)
        return await self._receipts.find_purchase(token, now)
