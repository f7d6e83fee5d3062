"""What may be a secret's value."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from scripts.admin.secret_values import checked
from scripts.cloud.known_secrets import find

KEY = find("WEB_AUTH_KEY")
PEM = find("APPLE_PRIVATE_KEY")


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("end", ["", "\n", "\r\n"], ids=["nothing", "newline", "of Windows"])
def test_the_newline_that_ends_a_file_is_no_part_of_it(end: str) -> None:
    assert checked(KEY, f"a value{end}".encode()) == "a value"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b" \t\n", "empty"),
        (b"\xff\xfeVALUE", "no text"),
        (b"VALUE\nmore\n", "several lines"),
        (b"VALUE\n\n", "several lines"),
        (b"sm://VALUE", "a reference"),
        (b"VALUE" * 20_000, "longer than 65536 bytes"),
    ],
    ids=["nothing", "a newline", "blanks", "bytes", "two lines", "an empty line", "sm", "long"],
)
def test_what_cannot_be_a_secret_is_refused_and_not_repeated(given: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        checked(KEY, given)
    assert "VALUE" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_apples_key_is_a_key_for_es256() -> None:
    given = pem(ec.generate_private_key(ec.SECP256R1()))
    assert checked(PEM, given) == given.decode().rstrip("\n")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (b"VALUE", "no private key in PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nVALUE\n-----END PRIVATE KEY-----\n", "no private key"),
        (pem(ec.generate_private_key(ec.SECP384R1())), "not one for ES256"),
        (pem(rsa.generate_private_key(65_537, 2048)), "not one for ES256"),
    ],
    ids=["a text", "nonsense in PEM", "another curve", "RSA"],
)
def test_another_key_for_apple_is_refused_and_not_repeated(given: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        checked(PEM, given)
    assert "VALUE" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
