"""Signing in with a purchase token.

Source: contract, heading "Purchase tokens".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from shared.errors import NotEntitled

_BEARER = "bearer"
_LONGEST_TOKEN = 64 * 1024


class PurchaseVerifier(Protocol):
    """One store of purchases; how it answers is its own matter."""

    async def is_entitled(self, token: str, now: datetime, /) -> bool:
        """Whether `token` proves a purchase that stands at `now`.

        Raises:
            DependencyUnavailable: the store could not tell, which is not a no.
        """


@dataclass(frozen=True)
class Subscriber:
    """Who asks, as far as a purchase token tells: not who it is, but whose purchase."""

    store: str
    """As the contract writes it: `RevenueCat`."""

    token_sha256: str
    """In lower-case hex; the token itself is kept nowhere."""

    @property
    def key(self) -> str:
        """A name for this purchase among those of all stores."""
        return f"{self.store}-{self.token_sha256}".lower()

    @classmethod
    def of(cls, store: str, token: str) -> "Subscriber":
        """Return the subscriber that presents `token`."""
        return cls(store, sha256(token.encode()).hexdigest())


class Purchases:
    """Turns what a client presents into a subscriber.

    Args:
        stores: by the contract's names, which are matched without regard to case.
    """

    def __init__(self, stores: Mapping[str, PurchaseVerifier]) -> None:
        self._stores = {name.lower(): (name, verifier) for name, verifier in stores.items()}

    async def subscriber(self, presented: str | None, now: datetime) -> Subscriber:
        """Return who presents `<Store> <token>` or `Bearer <Store> <token>`.

        Raises:
            NotEntitled: nothing was presented, or nothing that proves a purchase.
            DependencyUnavailable: the store could not tell.
        """
        if presented is None or not presented.strip():
            raise NotEntitled("a purchase token is required", was_presented=False)
        store, token = _split(presented)
        known = self._stores.get(store.lower())
        if known is None:
            raise NotEntitled("purchases of that store are not known here")
        name, verifier = known
        if not token or len(token) > _LONGEST_TOKEN:
            raise NotEntitled("the purchase token is not of the form <Store> <token>")
        if not await verifier.is_entitled(token, now):
            raise NotEntitled("the purchase token proves no purchase")
        return Subscriber.of(name, token)


def _split(presented: str) -> tuple[str, str]:
    """Return store and token."""
    store, _, token = presented.strip().partition(" ")
    if store.lower() == _BEARER:
        store, _, token = token.strip().partition(" ")
    return store, token.strip()
