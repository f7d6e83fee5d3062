"""The format of an encrypted file: a header, then chunks, each encrypted with AES-256-GCM.

Each file has its own key, derived from the server's key, a random salt and the name of the backup.
The nonce of a chunk is its number and whether it is the last one. So a chunk is rejected in another
file, at another position, or as the end of a truncated file, and so is a file with another name.

Source: https://eprint.iacr.org/2015/189 (STREAM), RFC 5869 (HKDF)
"""

import os
from functools import cached_property
from typing import TYPE_CHECKING

from shared.backups.settings import KEY_BYTES

# On first use: a service that encrypts nothing does not load cryptography.
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CHUNK_BYTES = 64 * 1024
"""The size of a plain chunk; only the last one may be smaller."""

_MAGIC = b"liftlog-backup-1"
_SALT_BYTES = 32
HEADER_BYTES = len(_MAGIC) + _SALT_BYTES
_TAG_BYTES = 16
SEALED_CHUNK_BYTES = CHUNK_BYTES + _TAG_BYTES
_NUMBER_BYTES = 11


class DamagedFileError(Exception):
    """The file is not what was stored under its name, or was stored with another key."""


def new_header() -> bytes:
    """Return the header of a new file."""
    return _MAGIC + os.urandom(_SALT_BYTES)


def plain_bytes(file_bytes: int) -> int:
    """Return the size of the content of an encrypted file with `file_bytes`; at least 0."""
    sealed = max(file_bytes - HEADER_BYTES, 0)
    return max(sealed - _TAG_BYTES * _chunks(sealed), 0)


class FileCipher:
    """Seals and opens the chunks of one file.

    Args:
        key: the key of the server.
        name: the name of the backup, unique in its folder.
        header: the first `HEADER_BYTES` of the file.

    Raises:
        DamagedFileError: the header is not one of this format.
    """

    def __init__(self, key: bytes, name: str, header: bytes) -> None:
        if len(header) != HEADER_BYTES or not header.startswith(_MAGIC):
            raise DamagedFileError("the header is invalid")
        self._key, self._name, self._salt = key, name, header[len(_MAGIC) :]

    @cached_property
    def _cipher(self) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see above
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

        derivation = HKDF(SHA256(), KEY_BYTES, self._salt, _MAGIC + self._name.encode())
        return AESGCM(derivation.derive(self._key))

    def seal(self, number: int, chunk: bytes, *, is_last: bool) -> bytes:
        """Encrypt the chunk with this number, from 0."""
        return self._cipher.encrypt(_nonce(number, is_last=is_last), chunk, None)

    def open(self, number: int, sealed: bytes, *, is_last: bool) -> bytes:
        """Decrypt a chunk. Raises DamagedFileError."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        try:
            return self._cipher.decrypt(_nonce(number, is_last=is_last), sealed, None)
        except InvalidTag:
            raise DamagedFileError("a chunk cannot be decrypted") from None


def last_chunk(file_bytes: int) -> int:
    """Return the number of the last chunk of an encrypted file with `file_bytes`."""
    return max(_chunks(file_bytes - HEADER_BYTES) - 1, 0)


def chunk_position(number: int) -> int:
    """Return the position of a chunk in its file."""
    return HEADER_BYTES + number * SEALED_CHUNK_BYTES


def _chunks(sealed_bytes: int) -> int:
    return -(-sealed_bytes // SEALED_CHUNK_BYTES)


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(_NUMBER_BYTES, "big") + bytes([is_last])
