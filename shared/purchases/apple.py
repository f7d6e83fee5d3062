"""Purchases in the App Store; the token is a signed transaction or a receipt of the older kind.

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

_PARTS_OF_A_JWS = 3


class Apple:
    """Verifies both kinds of token. The same purchase in either kind is one `Purchase`.

    `roots` are the certificates, in DER, that signed transactions have to lead back to.
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
        """Return the purchase of the product that `token` proves; None if it proves none.

        Raises:
            DependencyUnavailable: the App Store gave no answer.
        """
        if len(token.split(".")) == _PARTS_OF_A_JWS:
            return await self._transactions.find_purchase(token, now)
        return await self._receipts.find_purchase(token, now)
