"""Validation of the value of a secret."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from scripts.admin.secret_values import check_value
from scripts.cloud.known_secrets import get_secret

API_KEYS = get_secret("API_KEYS")
KEY = get_secret("WEB_AUTH_KEY")
PEM = get_secret("APPLE_PRIVATE_KEY")


def to_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("end", ["", "\n", "\r\n"], ids=["none", "LF", "CRLF"])
def test_newline_at_the_end_is_removed(end: str) -> None:
    assert check_value(KEY, f"a value{end}".encode()) == "a value"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b" \t\n", "empty"),
        (b"\xff\xfeVALUE", "not UTF-8 text"),
        (b"VALUE\nmore\n", "several lines"),
        (b"VALUE\n\n", "several lines"),
        (b"sm://VALUE", "a reference"),
        (b"VALUE" * 20_000, "longer than 65536 bytes"),
    ],
    ids=["empty", "newline", "blanks", "bytes", "two lines", "empty line", "reference", "long"],
)
def test_invalid_value_is_rejected_and_not_repeated(given: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        check_value(KEY, given)
    assert "VALUE" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_apple_key_may_be_an_es256_key() -> None:
    given = to_pem(ec.generate_private_key(ec.SECP256R1()))
    assert check_value(PEM, given) == given.decode().rstrip("\n")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (b"VALUE", "not a private key in PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nVALUE\n-----END PRIVATE KEY-----\n", "not a private key"),
        (to_pem(ec.generate_private_key(ec.SECP384R1())), "not for ES256"),
        (to_pem(rsa.generate_private_key(65_537, 2048)), "not for ES256"),
    ],
    ids=["text", "invalid PEM", "another curve", "RSA"],
)
def test_other_apple_key_is_rejected_and_not_repeated(given: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        check_value(PEM, given)
    assert "VALUE" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_api_keys_may_have_names_of_users() -> None:
    assert check_value(API_KEYS, b"alice=12345678, 12345678\n") == "alice=12345678, 12345678"


@pytest.mark.parametrize(
    ("given", "reason"),
    [(b"VALUE", "8 characters"), (b"12345678,VALUE", "8 characters"), (b" , ", "no key")],
    ids=["short key", "second short key", "no key"],
)
def test_invalid_api_keys_are_rejected_and_not_repeated(given: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        check_value(API_KEYS, given)
    assert "VALUE" not in str(caught.value)
