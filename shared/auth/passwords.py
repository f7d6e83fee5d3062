"""Passwords: PBKDF2 in worker threads, and a cache of verified credentials.

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

# Stored hashes were made with these values: another value would reject every password.
_ITERATIONS = 350_000
_KEY_BYTES = 64
_SALT_BYTES = 64


def derive(password: str, salt: bytes) -> str:
    """Return PBKDF2-HMAC-SHA512 of `password` in upper-case hex; takes at least 0.15 s of CPU."""
    kdf = PBKDF2HMAC(SHA512(), _KEY_BYTES, salt, _ITERATIONS)
    return kdf.derive(password.encode()).hex().upper()


class Passwords:
    """Hashes and verifies passwords without blocking the event loop.

    Verified credentials are cached for a limited time. The cache key is a digest of the password
    and the stored hash. If the hash is changed or deleted, the key no longer matches, so the old
    credential is rejected at once.
    """

    def __init__(self, settings: PasswordSettings) -> None:
        # A random key per process: without it, guesses cannot be tested against a leaked digest.
        self._key = token_bytes(32)
        self._verified: TTLCache[bytes, bool] = TTLCache(settings.max_cached, settings.cached_s)
        self._verifying = SingleFlight[bytes, bool]()
        # More hashes at a time than CPUs would only slow down each other and the event loop.
        self._limiter = ConcurrencyLimiter(
            os.cpu_count() or 1, settings.max_wait_s, "users signing in"
        )

    async def hash(self, password: str) -> PasswordHash:
        """Return the hash to store for a new password, and cache the password as verified.

        Raises:
            Overloaded: no slot for hashing within the time limit.
        """
        salt = token_bytes(_SALT_BYTES)
        stored = PasswordHash(await self._derive(password, salt), salt)
        self._verified[self._digest(password, stored)] = True
        return stored

    async def verify(self, password: str, stored: PasswordHash) -> bool:
        """Whether `stored` was made from `password`.

        Costs one hash for the first call and microseconds while cached. Concurrent calls with the
        same arguments share one hash.

        Raises:
            Overloaded: no slot for hashing within the time limit.
        """
        digest = self._digest(password, stored)
        if digest in self._verified:
            add(PASSWORD_CHECKS, 1, outcome="remembered")
            return True
        return await self._verifying.do(digest, lambda: self._compare(password, stored, digest))

    async def _compare(self, password: str, stored: PasswordHash, digest: bytes) -> bool:
        key_hex = await self._derive(password, stored.salt)
        add(PASSWORD_CHECKS, 1, outcome="hashed")
        # In constant time: the duration must not reveal how many characters are right.
        is_equal = hmac.compare_digest(key_hex.encode(), stored.key_hex.encode())
        # Wrong passwords are not cached: they would evict verified ones.
        if is_equal:
            self._verified[digest] = True
        return is_equal

    async def _derive(self, password: str, salt: bytes) -> str:
        async with self._limiter.slot():
            # The library releases the GIL, so hashes run in parallel with the event loop.
            return await asyncio.to_thread(derive, password, salt)

    def _digest(self, password: str, stored: PasswordHash) -> bytes:
        credential = stored.key_hex.encode() + stored.salt + password.encode()
        return hmac.digest(self._key, credential, sha256)
