"""The value of a secret, on its way from a person to Secret Manager.

No message has any of it.
"""

import getpass
import sys
import warnings

from scripts.cloud.known_secrets import KnownSecret

_PEM = "APPLE_PRIVATE_KEY"
_CURVE = "secp256r1"  # that of ES256
_LONGEST_BYTES = 65_536
"""Source: https://cloud.google.com/secret-manager/quotas (size of a secret's payload)"""


def take(secret: KnownSecret) -> str:
    """Return what a person types, unseen and twice, or what comes from a file or a program.

    Raises:
        ValueError: it cannot be this secret.
    """
    if not sys.stdin.isatty():
        return checked(secret, sys.stdin.buffer.read())
    if secret.variable == _PEM:
        raise ValueError("a key in PEM has several lines: give its file, `< AuthKey_....p8`")
    with warnings.catch_warnings():
        # Rather not at all than on the screen.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            value = getpass.getpass(f"{secret.variable} (is not shown): ")
            again = getpass.getpass("once more: ")
        except (EOFError, getpass.GetPassWarning):
            raise ValueError("nothing was typed, or not unseen") from None
    if value != again:
        raise ValueError("these were two different values")
    return checked(secret, value.encode())


def checked(secret: KnownSecret, given: bytes) -> str:
    """Return a value without the newline that ends a file.

    Raises:
        ValueError: it cannot be this secret.
    """
    if len(given) > _LONGEST_BYTES:
        raise ValueError(f"it is longer than {_LONGEST_BYTES} bytes, which Secret Manager refuses")
    try:
        value = given.decode()
    except UnicodeDecodeError:
        raise ValueError("it is no text") from None
    value = value.removesuffix("\n").removesuffix("\r")
    if not value.strip():
        raise ValueError("it is empty")
    if value.startswith("sm://"):
        raise ValueError("it is a reference to a secret, and no secret")
    if secret.variable == _PEM:
        _check_key(value)
    elif "\n" in value or "\r" in value:
        raise ValueError("it has several lines")
    return value


def _check_key(value: str) -> None:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - takes a while
    from cryptography.hazmat.primitives.asymmetric.ec import (  # noqa: PLC0415
        EllipticCurvePrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        key = load_pem_private_key(value.strip().encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("it is no private key in PEM") from None
    if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name != _CURVE:
        raise ValueError("it is a private key, but not one for ES256, which the App Store takes")
