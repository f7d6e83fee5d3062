"""Connection tickets: ids of connections that also prove an API key, for a short time.

A browser cannot add a header to the upgrade of a WebSocket. The upgrade has only the id that the
negotiation returned, so the negotiation returns a ticket as the id. A ticket is not stored. Each
instance that has the API key accepts it. When the key is removed, its tickets end.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from functools import cached_property
from hashlib import pbkdf2_hmac, sha256

LIFETIME_S = 60

_EXPIRY_BYTES = 6
_RANDOM_BYTES = 16
_SIGNED_BYTES = _EXPIRY_BYTES + _RANDOM_BYTES
# 54 bytes. Base64 then has neither padding nor a second spelling.
_FORM = re.compile(r"[A-Za-z0-9_-]{72}")
_PURPOSE = b"liftlog connection ticket"
# Proxies log URLs with tickets. A ticket must not help to guess a short API key.
_ROUNDS = 100_000


class TicketKey:
    """Issues and checks the tickets of one API key, whose digest it gets.

    The first call of a method takes about 0.03 s of processor time, so methods run in threads.
    """

    def __init__(self, digest: bytes) -> None:
        self._digest = digest

    def issue(self, now: datetime) -> str:
        """Return a new ticket, in characters that URLs contain unescaped."""
        expires_at = int(now.timestamp()) + LIFETIME_S
        signed = expires_at.to_bytes(_EXPIRY_BYTES) + secrets.token_bytes(_RANDOM_BYTES)
        return urlsafe_b64encode(signed + self._mac(signed)).decode()

    def accepts(self, presented: str, now: datetime) -> bool:
        """Return whether `presented` is a ticket of this key that has not expired.

        Apart from the first call, the duration does not depend on the key.
        """
        if not is_ticket(presented):
            return False
        content = urlsafe_b64decode(presented)
        signed, mac = content[:_SIGNED_BYTES], content[_SIGNED_BYTES:]
        is_signed = hmac.compare_digest(mac, self._mac(signed))
        return is_signed and now.timestamp() < int.from_bytes(signed[:_EXPIRY_BYTES])

    @cached_property
    def _secret(self) -> bytes:
        return pbkdf2_hmac("sha256", self._digest, _PURPOSE, _ROUNDS)

    def _mac(self, signed: bytes) -> bytes:
        return hmac.digest(self._secret, signed, sha256)


def is_ticket(presented: str) -> bool:
    """Return whether `presented` has the form of a ticket."""
    return _FORM.fullmatch(presented) is not None
