"""Passwords: PBKDF2 off the event loop, and a memory of what has verified.

Source: RFC 8018, section 5.2; parameters and encoding as in the contract, heading "Users".
"""

import asyncio
import hmac
import os
from hashlib import sha256
from secrets import token_bytes

from cachetools import TTLCache
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from shared.auth.settings import PasswordSettings
from shared.concurrency.limiter import ConcurrencyLimiter
from shared.concurrency.single_flight import SingleFlight
from shared.store.users import PasswordHash
from shared.telemetry.metrics import PASSWORD_CHECKS
from shared.telemetry.signals import add

_ITERATIONS = 350_000
_KEY_BYTES = 64
_SALT_BYTES = 64


def derive(password: str, salt: bytes) -> str:
    """Return PBKDF2-HMAC-SHA512 of `password` in upper-case hex; takes 0.15 s of CPU and up."""
    kdf = PBKDF2HMAC(SHA512(), _KEY_BYTES, salt, _ITERATIONS)
    return kdf.derive(password.encode()).hex().upper()


class Passwords:
    """Hashes and verifies passwords without holding up the event loop.

    What verified is remembered for a while, as a digest under a key of this process, over the
    password and the stored hash: another hash, or none, is another digest, so a credential that was
    changed or deleted stops working at once.
    """

    def __init__(self, settings: PasswordSettings) -> None:
        self._key = token_bytes(32)
        self._verified: TTLCache[bytes, bool] = TTLCache(settings.remembered, settings.remembered_s)
        self._verifying = SingleFlight[bytes, bool]()
        # More hashes at a time than processors would only slow each other and the event loop down.
        self._limiter = ConcurrencyLimiter(
            os.cpu_count() or 1, settings.longest_wait_s, "users signing in"
        )

    async def hash(self, password: str) -> PasswordHash:
        """Return what to store of a new password, which is remembered as verified.

        Raises:
            Overloaded: too many wait for their turn to hash.
        """
        salt = token_bytes(_SALT_BYTES)
        stored = PasswordHash(await self._derive(password, salt), salt)
        self._verified[self._digest(password, stored)] = True
        return stored

    async def verify(self, password: str, stored: PasswordHash) -> bool:
        """Whether `password` is the one that `stored` was made from.

        Costs a hash the first time and microseconds afterwards; requests that come with the same
        credential at the same time share one hash.

        Raises:
            Overloaded: too many wait for their turn to hash.
        """
        digest = self._digest(password, stored)
        if digest in self._verified:
            add(PASSWORD_CHECKS, 1, outcome="remembered")
            return True
        return await self._verifying.do(digest, lambda: self._compare(password, stored, digest))

    async def _compare(self, password: str, stored: PasswordHash, digest: bytes) -> bool:
        key_hex = await self._derive(password, stored.salt)
        add(PASSWORD_CHECKS, 1, outcome="hashed")
        is_right = hmac.compare_digest(key_hex.encode(), stored.key_hex.encode())
        if is_right:
            self._verified[digest] = True
        return is_right

    async def _derive(self, password: str, salt: bytes) -> str:
        async with self._limiter.slot():
            return await asyncio.to_thread(derive, password, salt)

    def _digest(self, password: str, stored: PasswordHash) -> bytes:
        credential = stored.key_hex.encode() + stored.salt + password.encode()
        return hmac.digest(self._key, credential, sha256)
