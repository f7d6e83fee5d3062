"""The value of a secret, from the terminal or standard input to Secret Manager.

No message contains any part of a value.
"""

import getpass
import sys
import warnings

from scripts.cloud.known_secrets import KnownSecret
from shared.auth.api_keys import parse_api_keys

_API_KEYS_VARIABLE = "API_KEYS"
_PEM_VARIABLE = "APPLE_PRIVATE_KEY"
_ES256_CURVE = "secp256r1"
_MAX_VALUE_BYTES = 65_536
"""Source: https://cloud.google.com/secret-manager/quotas (size of a secret's payload)"""


def read_value(secret: KnownSecret) -> str:
    """Return the value from a hidden prompt, entered twice, or from standard input.

    Raises:
        ValueError: the value is not valid for this secret.
    """
    if not sys.stdin.isatty():
        return check_value(secret, sys.stdin.buffer.read())
    if secret.variable == _PEM_VARIABLE:
        raise ValueError("a PEM key has several lines: pass its file, `< AuthKey_....p8`")
    with warnings.catch_warnings():
        # getpass falls back to a visible prompt with a warning; fail instead.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            value = getpass.getpass(f"{secret.variable} (hidden): ")
            again = getpass.getpass("again: ")
        except (EOFError, getpass.GetPassWarning):
            raise ValueError("no value was entered, or the terminal cannot hide it") from None
    if value != again:
        raise ValueError("the two values differ")
    return check_value(secret, value.encode())


def check_value(secret: KnownSecret, given: bytes) -> str:
    """Return a value as text, without the newline at the end of a file.

    Raises:
        ValueError: the value is not valid for this secret.
    """
    if len(given) > _MAX_VALUE_BYTES:
        raise ValueError(
            f"the value is longer than {_MAX_VALUE_BYTES} bytes, the limit of a secret"
        )
    try:
        value = given.decode()
    except UnicodeDecodeError:
        raise ValueError("the value is not UTF-8 text") from None
    # Editors end a file with a newline, and a provider would reject a key with it.
    value = value.removesuffix("\n").removesuffix("\r")
    if not value.strip():
        raise ValueError("the value is empty")
    if value.startswith("sm://"):
        raise ValueError("the value is a reference to a secret")
    if secret.variable == _PEM_VARIABLE:
        _check_key(value)
    elif "\n" in value or "\r" in value:
        raise ValueError("the value has several lines")
    elif secret.variable == _API_KEYS_VARIABLE and not parse_api_keys(value):
        raise ValueError("the value has no key")
    return value


def _check_key(value: str) -> None:
    # Slow imports, needed for one secret only.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ec import (  # noqa: PLC0415
        EllipticCurvePrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        key = load_pem_private_key(value.strip().encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("the value is not a private key in PEM") from None
    # The App Store accepts ES256 signatures only.
    if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name != _ES256_CURVE:
        raise ValueError("the private key is not for ES256, which the App Store requires")
