"""Sign-in with a purchase token.

Source: contract, heading "Purchase tokens".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from shared.errors import NotEntitled

# SignalR clients send their token with this scheme. The token then begins with the provider.
_BEARER = "bearer"
# Receipts of the App Store are the longest tokens: they list all purchases.
_MAX_TOKEN_CHARACTERS = 64 * 1024


@dataclass(frozen=True)
class Purchase:
    """A purchase that its provider confirmed. All tokens of a purchase lead to an equal object."""

    sha256: str
    """The hash of the purchase's id, in lower-case hex; the id itself is not stored."""

    @classmethod
    def of(cls, purchase_id: str) -> "Purchase":
        """Return the purchase with an id that is unique at its provider."""
        return cls(sha256(purchase_id.encode()).hexdigest())


class PurchaseProvider(Protocol):
    """Verifies purchase tokens of one provider, such as the App Store."""

    async def find_purchase(self, token: str, now: datetime, /) -> Purchase | None:
        """Return the purchase that `token` proves at `now`; None if it proves no purchase.

        Raises:
            DependencyUnavailable: no response from the provider. The token may prove a purchase.
        """


@dataclass(frozen=True)
class Subscriber:
    """The holder of a purchase."""

    provider: str
    """The provider's name in the contract: `RevenueCat`."""

    purchase: Purchase

    @property
    def key(self) -> str:
        """The key of the purchase, unique across providers. Rate limits count by it."""
        return f"{self.provider}-{self.purchase.sha256}".lower()


class PurchaseAuthenticator:
    """Authenticates subscribers by the purchase token of a request.

    Args:
        providers: by their names in the contract, which are matched without regard to case.
    """

    def __init__(self, providers: Mapping[str, PurchaseProvider]) -> None:
        self._providers = {name.lower(): (name, each) for name, each in providers.items()}

    async def subscriber(self, presented: str | None, now: datetime) -> Subscriber:
        """Return the subscriber for `<Provider> <token>` or `Bearer <Provider> <token>`.

        Raises:
            NotEntitled: no token, or no valid token.
            DependencyUnavailable: no response from the provider.
        """
        if presented is None or not presented.strip():
            raise NotEntitled("a purchase token is required", was_presented=False)
        provider_name, token = _split(presented)
        known = self._providers.get(provider_name.lower())
        if known is None:
            raise NotEntitled("unknown purchase provider")
        name, provider = known
        if not token or len(token) > _MAX_TOKEN_CHARACTERS:
            raise NotEntitled("the purchase token is not of the form <Store> <token>")
        purchase = await provider.find_purchase(token, now)
        if purchase is None:
            raise NotEntitled("the purchase token proves no purchase")
        return Subscriber(name, purchase)


def _split(presented: str) -> tuple[str, str]:
    """Return the provider's name and the token."""
    provider_name, _, token = presented.strip().partition(" ")
    if provider_name.lower() == _BEARER:
        provider_name, _, token = token.strip().partition(" ")
    return provider_name, token.strip()
