"""Purchases in the App Store; the token is a signed transaction or a receipt of the older kind.

Source: contract, heading "Purchase tokens".
"""

from collections.abc import Sequence
from datetime import datetime

from shared.auth.apple_receipts import AppleReceipts
from shared.auth.apple_root import APPLE_ROOT_CA_G3
from shared.auth.apple_settings import AppleSettings
from shared.auth.apple_transactions import AppleTransactions
from shared.outgoing import Client
from shared.secrets import Secrets

_PARTS_OF_A_JWS = 3


class Apple:
    """Knows the two kinds of token apart.

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

    async def is_entitled(self, token: str, now: datetime) -> bool:
        """Whether `token` is a purchase of the product that was not taken back.

        Raises:
            DependencyUnavailable: the App Store did not say.
        """
        if len(token.split(".")) == _PARTS_OF_A_JWS:
            return await self._transactions.is_entitled(token, now)
        return await self._receipts.is_entitled(token, now)
