"""Cryptography of the clients. The server uses none of it.

Source: contract, heading "What stays private"; RFC 8017 for RSA-PSS and RSA-OAEP, RFC 5652, section
6.3 for the padding.
"""

import os
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

_RSA_BITS = 2048
_SIGNATURE_BYTES = _RSA_BITS // 8
# The size in the contract. OAEP with SHA-256 would have room for 190 bytes.
_PIECE_BYTES = 122
_AES_KEY_BYTES = 16
_IV_BYTES = 16

# The parameters of the contract: with others, the app cannot verify a signature.
_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32)
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), label=None)


class ForgedError(Exception):
    """The content has no valid signature of its claimed author."""


@dataclass(frozen=True)
class Encrypted:
    """An encrypted payload and its initialization vector."""

    payload: bytes
    iv: bytes


class KeyPair:
    """The RSA keys of a user, for signatures and for received messages."""

    def __init__(self, private_key: rsa.RSAPrivateKey) -> None:
        self._private_key = private_key

    @classmethod
    def generate(cls) -> Self:
        """Generate a key pair of 2048 bits."""
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS))

    @property
    def public_key_der(self) -> bytes:
        """The public key as SPKI in DER, 294 bytes."""
        return self._private_key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, content: bytes) -> bytes:
        """Return the signature of the digest of `content`. PSS hashes it again; 256 bytes."""
        return self._private_key.sign(sha256(content).digest(), _PSS, hashes.SHA256())

    def decrypt(self, pieces: list[bytes]) -> bytes:
        """Decrypt a message from `encrypt_to`."""
        return b"".join(self._private_key.decrypt(piece, _OAEP) for piece in pieces)


def new_aes_key() -> bytes:
    """Return a new key for the content of one user."""
    return os.urandom(_AES_KEY_BYTES)


def verify(content: bytes, signature: bytes, public_key_der: bytes) -> None:
    """Verify a signature of `KeyPair.sign`.

    Raises:
        ForgedError: the signature does not match key and content.
    """
    try:
        _public_key(public_key_der).verify(
            signature, sha256(content).digest(), _PSS, hashes.SHA256()
        )
    except InvalidSignature:
        raise ForgedError from None


def encrypt_to(public_key_der: bytes, message: bytes) -> list[bytes]:
    """Encrypt a message for one receiver. Each piece of 122 bytes becomes 256 bytes."""
    key = _public_key(public_key_der)
    starts = range(0, len(message), _PIECE_BYTES)
    return [key.encrypt(message[start : start + _PIECE_BYTES], _OAEP) for start in starts]


def seal(content: bytes, aes_key: bytes, keys: KeyPair) -> Encrypted:
    """Sign `content`, and encrypt content and signature."""
    iv = os.urandom(_IV_BYTES)
    padder = PKCS7(AES.block_size).padder()
    padded = padder.update(content + keys.sign(content)) + padder.finalize()
    encryptor = Cipher(AES(aes_key), CBC(iv)).encryptor()
    return Encrypted(encryptor.update(padded) + encryptor.finalize(), iv)


def unseal(encrypted: Encrypted, aes_key: bytes, public_key_der: bytes) -> bytes:
    """Decrypt the result of `seal` and verify its signature.

    Raises:
        ForgedError: wrong signer or wrong key.
    """
    decryptor = Cipher(AES(aes_key), CBC(encrypted.iv)).decryptor()
    padded = decryptor.update(encrypted.payload) + decryptor.finalize()
    unpadder = PKCS7(AES.block_size).unpadder()
    try:
        signed = unpadder.update(padded) + unpadder.finalize()
    # A wrong key gives random bytes, and random bytes rarely have a valid padding.
    except ValueError:
        raise ForgedError from None
    content, signature = signed[:-_SIGNATURE_BYTES], signed[-_SIGNATURE_BYTES:]
    verify(content, signature, public_key_der)
    return content


def _public_key(der: bytes) -> rsa.RSAPublicKey:
    key = serialization.load_der_public_key(der)
    if not isinstance(key, rsa.RSAPublicKey):
        raise ForgedError
    return key
