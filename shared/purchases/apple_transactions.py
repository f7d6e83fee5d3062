"""Signed App Store transactions, the tokens of apps with StoreKit 2.

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
"""An unknown account; an unknown transaction."""

_TRANSIENT = frozenset({4040002, 4040004, 4040006})
"""An account, an app or an original transaction that is temporarily not found."""

_ACCESS_TOKEN_LIFETIME = timedelta(minutes=5)
# The library requires an app id for production. Transactions do not contain one.
_ANY_APP_ID = 0


class AppleTransactions:
    """Verifies the signature, and then the purchase's current state with Apple."""

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

        Costs one call if a key for the App Store Server API is set. Without a key there is no call,
        and a refund after the signature is not detected.

        Raises:
            DependencyUnavailable: no response from the App Store.
        """
        if not _has_canonical_signature(token):
            return None
        # In a thread: verifying the certificate chain takes milliseconds of CPU.
        transaction = await asyncio.to_thread(self._verified, token)
        if transaction is None or not self._is_ours(transaction, now):
            return None
        # The signature stays valid after a refund, so the current state is read from Apple.
        if self._private_key.is_set:
            current = await self._fetch_current(transaction)
            if current is None or not self._is_ours(current, now):
                return None
        if not transaction.originalTransactionId:
            raise self._production.alert("a transaction has no original transaction id")
        # The environment is part of the id: both environments can use the same transaction id.
        # Receipts use the same format.
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
                # The signature is valid, so Apple has changed the format.
                raise self._production.alert("a transaction has an unknown format") from None
        return None

    @cached_property
    def _verifiers(self) -> "list[SignedDataVerifier]":
        """One per environment. Xcode's test environments are excluded: they have no signature."""
        from appstoreserverlibrary.models.Environment import Environment  # noqa: PLC0415
        from appstoreserverlibrary.signed_data_verifier import SignedDataVerifier  # noqa: PLC0415

        environments = [Environment.PRODUCTION]
        if self._settings.allow_sandbox:
            environments.append(Environment.SANDBOX)
        return [
            SignedDataVerifier(
                self._roots,
                # An online check would add a blocking call to Apple per verification.
                enable_online_checks=False,
                environment=environment,
                bundle_id=self._settings.bundle_id,
                app_apple_id=_ANY_APP_ID,
            )
            for environment in environments
        ]

    def _is_ours(self, transaction: "Transaction", now: datetime) -> bool:
        expires_ms = transaction.expiresDate
        return (
            transaction.productId == self._settings.product
            # By contract, only the buyer's own purchase counts, not one that a family shares.
            and transaction.rawInAppOwnershipType == "PURCHASED"
            and (transaction.quantity or 0) >= 1
            and transaction.revocationDate is None
            and (expires_ms is None or expires_ms * 1000 > to_micros(now))
        )

    async def _fetch_current(self, transaction: "Transaction") -> "Transaction | None":
        """Return the current state of the transaction; None if Apple does not have it."""
        is_test = transaction.rawEnvironment == "Sandbox"
        api = self._sandbox if is_test else self._production
        base = self._settings.sandbox_api_url if is_test else self._settings.api_url
        # Escaped: the id comes from the token, and must not change the path.
        number = quote(str(transaction.transactionId), safe="")
        response = await api.get(
            f"{str(base).rstrip('/')}/inApps/v1/transactions/{number}",
            {"Authorization": f"Bearer {await self._access_token()}"},
        )
        code = response.content.get("errorCode")
        if code in _NO_PURCHASE:
            return None
        if code in _TRANSIENT:
            raise api.outage(f"error {code}")
        signed = response.content.get("signedTransactionInfo")
        if response.status != HTTPStatus.OK or not isinstance(signed, str):
            raise api.alert(f"the response has no transaction ({response.status})")
        current = await asyncio.to_thread(self._verified, signed)
        if current is None:
            raise api.alert("a transaction is not signed by Apple for this app")
        return current

    async def _access_token(self) -> str:
        """Return an access token for the App Store Server API.

        Source: https://developer.apple.com/documentation/appstoreserverapi/generating-json-web-tokens-for-api-requests
        """
        import jwt  # noqa: PLC0415 - takes 0.1 s

        claims = {
            "iss": self._settings.issuer_id,
            "aud": "appstoreconnect-v1",
            "bid": self._settings.bundle_id,
            "exp": current_instant() + _ACCESS_TOKEN_LIFETIME,
        }
        key = await self._private_key.value()
        try:
            return jwt.encode(claims, key, "ES256", {"kid": self._settings.key_id})
        except (ValueError, TypeError, AttributeError, jwt.PyJWTError):
            raise self._production.alert("APPLE_PRIVATE_KEY is not a private key") from None


def _has_canonical_signature(token: str) -> bool:
    """Whether the token's signature is base64url in its canonical form, without padding.

    The library ignores padding, unknown characters and unused bits in the signature. Each such
    spelling would be a new cache key and cost a call to Apple. The signature protects the other two
    parts. One more spelling is possible: (r, n - s) is as valid as (r, s), and Apple uses both.

    Source: RFC 7515, section 2
    """
    signature = token.rpartition(".")[2]
    try:
        decoded = urlsafe_b64decode(signature + "==")
    except ValueError:
        return False
    return urlsafe_b64encode(decoded).decode().rstrip("=") == signature
