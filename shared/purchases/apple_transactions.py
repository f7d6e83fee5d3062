"""Signed transactions of the App Store, as StoreKit 2 gives them to apps.

Source: https://developer.apple.com/documentation/appstoreserverapi/jwstransaction and
.../get-transaction-info
"""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from shared.clients.http import Client
from shared.clients.secrets import Secrets
from shared.purchases.apple_settings import AppleSettings
from shared.purchases.authenticator import Purchase
from shared.purchases.provider_api import ProviderApi
from shared.timestamps import now as current_instant
from shared.timestamps import to_micros

if TYPE_CHECKING:
    from appstoreserverlibrary.models.JWSTransactionDecodedPayload import (
        JWSTransactionDecodedPayload as Transaction,
    )
    from appstoreserverlibrary.signed_data_verifier import SignedDataVerifier

_NO_PURCHASE = frozenset({4040001, 4040010})
"""An account that does not exist; an unknown transaction."""

_TRANSIENT = frozenset({4040002, 4040004, 4040006})
"""An account, an app or an original transaction that is not found at the moment."""

_PASS_LASTS = timedelta(minutes=5)
_ANY_APP = 0  # the library wants an app's number, which transactions do not carry


class AppleTransactions:
    """Verifies the signature, and asks whether the purchase still stands."""

    def __init__(
        self,
        settings: AppleSettings,
        secrets: Secrets,
        http: Client,
        timeout_s: float,
        roots: Sequence[bytes],
    ) -> None:
        self._settings = settings
        self._private_key = secrets.get(settings, "private_key")
        self._roots = list(roots)
        self._production = ProviderApi("the App Store", http, timeout_s)
        self._sandbox = ProviderApi("the App Store's sandbox", http, timeout_s)

    async def find_purchase(self, token: str, now: datetime) -> Purchase | None:
        """Return the purchase of the product that Apple signed in `token`, unless it was refunded.

        One call if there is a key for the App Store Server API. Without a key there is no call, and
        a refund after the signature is not noticed.

        Raises:
            DependencyUnavailable: the App Store gave no answer.
        """
        if not _has_one_spelling(token):
            return None
        transaction = await asyncio.to_thread(self._verified, token)
        if transaction is None or not self._is_ours(transaction, now):
            return None
        if self._private_key.is_set:
            current = await self._current(transaction)
            if current is None or not self._is_ours(current, now):
                return None
        if not transaction.originalTransactionId:
            raise self._production.alarm("a transaction without an original transaction id")
        # The ids of the two environments can be equal. Receipts use the same form.
        return Purchase.of(f"{transaction.rawEnvironment} {transaction.originalTransactionId}")

    def _verified(self, token: str) -> "Transaction | None":
        from appstoreserverlibrary.signed_data_verifier import (  # noqa: PLC0415 - takes 0.3 s
            VerificationException,
            VerificationStatus,
        )
        from cattrs import BaseValidationError  # noqa: PLC0415

        for verifier in self._verifiers:
            try:
                return verifier.verify_and_decode_signed_transaction(token)
            except VerificationException as error:
                if error.status != VerificationStatus.INVALID_ENVIRONMENT:
                    return None
            except BaseValidationError:
                # The signature is right: Apple says something that the library does not know yet.
                raise self._production.alarm("a transaction of unknown shape") from None
        return None

    @cached_property
    def _verifiers(self) -> "list[SignedDataVerifier]":
        """One per environment. Those of Xcode are never among them: nobody signs these."""
        from appstoreserverlibrary.models.Environment import Environment  # noqa: PLC0415
        from appstoreserverlibrary.signed_data_verifier import SignedDataVerifier  # noqa: PLC0415

        environments = [Environment.PRODUCTION]
        if self._settings.allow_sandbox:
            environments.append(Environment.SANDBOX)
        return [
            SignedDataVerifier(
                self._roots,
                enable_online_checks=False,
                environment=environment,
                bundle_id=self._settings.bundle_id,
                app_apple_id=_ANY_APP,
            )
            for environment in environments
        ]

    def _is_ours(self, transaction: "Transaction", now: datetime) -> bool:
        expires_ms = transaction.expiresDate
        return (
            transaction.productId == self._settings.product
            and transaction.rawInAppOwnershipType == "PURCHASED"
            and (transaction.quantity or 0) >= 1
            and transaction.revocationDate is None
            and (expires_ms is None or expires_ms * 1000 > to_micros(now))
        )

    async def _current(self, transaction: "Transaction") -> "Transaction | None":
        """Return what Apple says of the transaction now; None when it knows of none."""
        is_test = transaction.rawEnvironment == "Sandbox"
        api = self._sandbox if is_test else self._production
        base = self._settings.sandbox_api_url if is_test else self._settings.api_url
        number = quote(str(transaction.transactionId), safe="")
        reply = await api.get(
            f"{str(base).rstrip('/')}/inApps/v1/transactions/{number}",
            {"Authorization": f"Bearer {await self._pass()}"},
        )
        code = reply.content.get("errorCode")
        if code in _NO_PURCHASE:
            return None
        if code in _TRANSIENT:
            raise api.outage(f"error {code}")
        signed = reply.content.get("signedTransactionInfo")
        if reply.status != HTTPStatus.OK or not isinstance(signed, str):
            raise api.alarm(f"no transaction ({reply.status})")
        current = await asyncio.to_thread(self._verified, signed)
        if current is None:
            raise api.alarm("a transaction that is not signed by Apple for this app")
        return current

    async def _pass(self) -> str:
        """Return a token for the API.

        Source: https://developer.apple.com/documentation/appstoreserverapi/generating-json-web-tokens-for-api-requests
        """
        import jwt  # noqa: PLC0415 - takes 0.1 s

        claims = {
            "iss": self._settings.issuer_id,
            "aud": "appstoreconnect-v1",
            "bid": self._settings.bundle_id,
            "exp": current_instant() + _PASS_LASTS,
        }
        key = await self._private_key.value()
        try:
            return jwt.encode(claims, key, "ES256", {"kid": self._settings.key_id})
        except (ValueError, TypeError, AttributeError, jwt.PyJWTError):
            raise self._production.alarm("APPLE_PRIVATE_KEY is no private key") from None


def _has_one_spelling(token: str) -> bool:
    """Whether the token's signature is base64url in its canonical form, without padding.

    The library ignores padding, unknown characters and spare bits there. Each such spelling would
    be verified on its own and ask Apple again. The signature protects the other two parts. A second
    signature of the same content remains: (r, n - s) is as valid as (r, s), and Apple uses both.

    Source: RFC 7515, section 2
    """
    signature = token.rpartition(".")[2]
    try:
        decoded = urlsafe_b64decode(signature + "==")
    except ValueError:
        return False
    return urlsafe_b64encode(decoded).decode().rstrip("=") == signature
