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


@dataclass(frozen=True)
class Purchase:
    """A purchase that its store confirmed. All tokens that prove it lead to an equal object."""

    sha256: str
    """The hash of the purchase's id, in lower-case hex; the id itself is not kept."""

    @classmethod
    def of(cls, purchase_id: str) -> "Purchase":
        """Return the purchase with that id, which is unique in its store."""
        return cls(sha256(purchase_id.encode()).hexdigest())


class PurchaseProvider(Protocol):
    """Verifies purchase tokens of one store."""

    async def find_purchase(self, token: str, now: datetime, /) -> Purchase | None:
        """Return the purchase that `token` proves at `now`; None if it proves none.

        Raises:
            DependencyUnavailable: the store gave no answer, which is not a refusal.
        """


@dataclass(frozen=True)
class Subscriber:
    """The holder of a purchase, of whom only the purchase is known."""

    store: str
    """As the contract writes it: `RevenueCat`."""

    purchase: Purchase

    @property
    def key(self) -> str:
        """The purchase's name, unique among all stores. Limits count by it."""
        return f"{self.store}-{self.purchase.sha256}".lower()


class PurchaseAuthenticator:
    """Turns what a client presents into a subscriber.

    Args:
        stores: by the contract's names, which are matched without regard to case.
    """

    def __init__(self, stores: Mapping[str, PurchaseProvider]) -> None:
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
        purchase = await verifier.find_purchase(token, now)
        if purchase is None:
            raise NotEntitled("the purchase token proves no purchase")
        return Subscriber(name, purchase)


def _split(presented: str) -> tuple[str, str]:
    """Return store and token."""
    store, _, token = presented.strip().partition(" ")
    if store.lower() == _BEARER:
        store, _, token = token.strip().partition(" ")
    return store, token.strip()
