"""Signed App Store transactions, with a test certificate authority instead of Apple's."""

import hashlib
import hmac
import inspect
import json
import logging
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import SecretStr

from scripts.fakes.apple import BUNDLE, AppStore, Authority, other_signature
from scripts.fakes.faults import Fault
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.errors import DependencyUnavailable
from shared.purchases.apple import Apple
from shared.purchases.apple_root import APPLE_ROOT_CA_G3
from shared.purchases.apple_settings import AppleSettings
from shared.purchases.authenticator import Purchase
from tests.fakes import RunningFake

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ID = "2000000000000001"
APPLE = Authority()
OTHER_AUTHORITY = Authority()
OTHER_SIGNER = Authority(is_for_transactions=False)
SANDBOX = {"environment": "Sandbox"}


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]


NewProvider = Callable[..., Apple]


@pytest.fixture
def new_provider(outgoing: httpx2.AsyncClient) -> NewProvider:
    """Create providers without an API key, which trust `roots`."""

    def make(*, roots: Sequence[bytes] = (APPLE.root, OTHER_SIGNER.root), **given: object) -> Apple:
        settings = AppleSettings.model_validate(given)
        return Apple(settings, Secrets(SecretSettings()), outgoing, timeout_s=20, roots=roots)

    return make


@pytest.mark.parametrize(
    ("changes", "is_entitled"),
    [
        ({}, True),
        ({"quantity": 3}, True),
        (SANDBOX, True),
        ({"expiresDate": ms(NOW + timedelta(seconds=1))}, True),
        ({"expiresDate": ms(NOW)}, False),
        ({"expiresDate": ms(NOW - timedelta(days=1))}, False),
        ({"expiresDate": 0}, False),
        ({"revocationDate": ms(NOW - timedelta(days=1))}, False),
        ({"revocationDate": ms(NOW - timedelta(days=1)), "revocationReason": 1}, False),
        ({"bundleId": "com.example.other"}, False),
        ({"bundleId": None}, False),
        ({**SANDBOX, "bundleId": "com.example.other"}, False),
        ({"productId": "tip"}, False),
        ({"productId": None}, False),
        ({"inAppOwnershipType": "FAMILY_SHARED"}, False),
        ({"inAppOwnershipType": None}, False),
        ({"quantity": 0}, False),
        ({"quantity": -1}, False),
        ({"quantity": None}, False),
        ({"environment": "Xcode"}, False),
        ({"environment": "LocalTesting"}, False),
        ({"environment": "Elsewhere"}, False),
        ({"environment": None}, False),
    ],
    ids=[
        "good",
        "three",
        "of the sandbox",
        "a subscription",
        "a subscription that ends now",
        "a subscription that has ended",
        "a subscription that ended in 1970",
        "refunded",
        "refunded for a reason",
        "of another app",
        "of no app",
        "of another app's sandbox",
        "another product",
        "no product",
        "shared by the family",
        "of nobody",
        "quantity 0",
        "negative quantity",
        "no quantity",
        "of Xcode",
        "of a test on a device",
        "of an unknown environment",
        "of no environment",
    ],
)
async def test_signed_transaction_proves_purchase(
    new_provider: NewProvider, changes: dict[str, Any], *, is_entitled: bool
) -> None:
    assert (
        await new_provider().find_purchase(APPLE.sign(**changes), NOW) is not None
    ) == is_entitled


async def test_sandbox_transactions_can_be_rejected(new_provider: NewProvider) -> None:
    strict = new_provider(allow_sandbox=False)
    assert await strict.find_purchase(APPLE.sign(), NOW)
    assert not await strict.find_purchase(APPLE.sign(**SANDBOX), NOW)


async def test_bundle_and_product_are_configurable(new_provider: NewProvider) -> None:
    other = new_provider(bundle_id="com.example.other", product="lifetime")
    token = APPLE.sign(bundleId="com.example.other", productId="lifetime")
    assert await other.find_purchase(token, NOW)
    assert not await other.find_purchase(APPLE.sign(), NOW)
    assert not await new_provider().find_purchase(token, NOW)


def part(content: object) -> str:
    """Return `content` as a part of a token."""
    return urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def other_payload(token: str) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{part(APPLE.claims())}.{signature}"


def broken_signature(token: str) -> str:
    head, _, signature = token.rpartition(".")
    raw = bytearray(urlsafe_b64decode(signature + "=="))
    raw[-1] ^= 1
    return f"{head}.{urlsafe_b64encode(raw).decode().rstrip('=')}"


def unsigned(algorithm: str, **changes: object) -> str:
    return f"{part({'alg': algorithm, 'x5c': APPLE.chain})}.{part(APPLE.claims(**changes))}."


def signed_with_public_secret() -> str:
    """Return a token signed by HMAC, whose secret is the certificate that it contains."""
    head = f"{part({'alg': 'HS256', 'x5c': APPLE.chain})}.{part(APPLE.claims())}"
    mac = hmac.digest(APPLE.chain[0].encode(), head.encode(), hashlib.sha256)
    return f"{head}.{urlsafe_b64encode(mac).decode().rstrip('=')}"


def without_chain() -> str:
    return jwt.encode(APPLE.claims(), ec.generate_private_key(ec.SECP256R1()), "ES256")


GARBAGE = b64encode(b"\x30\x03\x02\x01\x01").decode()
FORGED_TOKENS = {
    "another payload": other_payload(APPLE.sign(productId="tip")),
    "another signature": broken_signature(APPLE.sign()),
    "no signature": APPLE.sign().rpartition(".")[0] + ".",
    "signed by another authority": OTHER_AUTHORITY.sign(),
    "signed by another authority, with Apple's root": OTHER_AUTHORITY.sign(
        chain=[*OTHER_AUTHORITY.chain[:2], APPLE.chain[2]]
    ),
    "signed by another authority, with Apple's upper half": OTHER_AUTHORITY.sign(
        chain=[OTHER_AUTHORITY.chain[0], *APPLE.chain[1:]]
    ),
    "signed by another authority, with Apple's chain": OTHER_AUTHORITY.sign(chain=APPLE.chain),
    "signed by a certificate for something else": OTHER_SIGNER.sign(),
    "the chain is too short": APPLE.sign(chain=APPLE.chain[:2]),
    "the chain is too long": APPLE.sign(chain=[*APPLE.chain, APPLE.chain[2]]),
    "the chain is empty": APPLE.sign(chain=[]),
    "the chain is reversed": APPLE.sign(chain=APPLE.chain[::-1]),
    "the chain contains only the root": APPLE.sign(chain=APPLE.chain[2:] * 3),
    "the chain is not base64": APPLE.sign(chain=["ü!", *APPLE.chain[1:]]),
    "the chain is garbage": APPLE.sign(chain=[GARBAGE] * 3),
    "no chain": without_chain(),
    "expired certificates": APPLE.sign(signedDate=ms(datetime(2031, 1, 1, tzinfo=UTC))),
    "certificates that are not valid yet": APPLE.sign(
        signedDate=ms(datetime(2021, 1, 1, tzinfo=UTC))
    ),
    "signed at an invalid time": APPLE.sign(signedDate="yesterday"),
    "signed at a time out of range": APPLE.sign(signedDate=10**30),
    "no algorithm": unsigned("none"),
    "an unknown algorithm": unsigned("ES999"),
    "a shared secret": signed_with_public_secret(),
    "of Xcode, unsigned": unsigned("none", environment="Xcode"),
    "of Xcode, signed by another authority": OTHER_AUTHORITY.sign(environment="Xcode"),
    "of a test on a device, unsigned": unsigned("none", environment="LocalTesting"),
    "of a test on a device, signed by another authority": OTHER_AUTHORITY.sign(
        environment="LocalTesting"
    ),
    "two dots": "..",
    "three words": "not.a.transaction",
    "three words in other scripts": "ключ.鍵.κλειδί",
    "a list for a header": f"{part([])}.{part({})}.",
    "a list for a payload": f"{part({'alg': 'ES256', 'x5c': APPLE.chain})}.{part([])}.AAAA",
    "a number for a chain": f"{part({'alg': 'ES256', 'x5c': 3})}.{part({})}.AAAA",
    "a number in the chain": f"{part({'alg': 'ES256', 'x5c': [1, 2, 3]})}.{part({})}.AAAA",
}


@pytest.mark.parametrize("forgery", FORGED_TOKENS.values(), ids=FORGED_TOKENS)
async def test_forged_transaction_is_rejected(new_provider: NewProvider, forgery: str) -> None:
    assert not await new_provider().find_purchase(forgery, NOW)


@pytest.mark.parametrize(
    ("token", "original_id"),
    [
        (APPLE.sign(originalTransactionId="17"), "Production 17"),
        (APPLE.sign(originalTransactionId="17", transactionId="18"), "Production 17"),
        (other_signature(APPLE.sign(originalTransactionId="17")), "Production 17"),
        (APPLE.sign(originalTransactionId="18"), "Production 18"),
        (APPLE.sign(originalTransactionId="17", **SANDBOX), "Sandbox 17"),
    ],
    ids=["usual", "restored", "other signature", "another purchase", "of the sandbox"],
)
async def test_original_transaction_identifies_purchase(
    new_provider: NewProvider, token: str, original_id: str
) -> None:
    assert await new_provider().find_purchase(token, NOW) == Purchase.of(original_id)


async def test_transaction_without_an_original_id_is_an_alert(
    new_provider: NewProvider, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(DependencyUnavailable):
        await new_provider().find_purchase(APPLE.sign(originalTransactionId=None), NOW)
    assert errors(caplog) == ["the App Store: a transaction has no original transaction id"]


@pytest.mark.parametrize("claim", ["quantity", "expiresDate", "price"])
async def test_signed_transaction_of_unknown_format_is_an_outage(
    new_provider: NewProvider, caplog: pytest.LogCaptureFixture, claim: str
) -> None:
    with pytest.raises(DependencyUnavailable):
        await new_provider().find_purchase(APPLE.sign(**{claim: "unknown"}), NOW)
    assert len(errors(caplog)) == 1


async def test_default_root_is_apples_certificate(outgoing: httpx2.AsyncClient) -> None:
    fingerprint = "63343abfb89a6a03ebb57e9b3f5fa7be7c4f5c756f3017b3a8c488c3653e9179"
    assert hashlib.sha256(APPLE_ROOT_CA_G3).hexdigest() == fingerprint
    assert inspect.signature(Apple).parameters["roots"].default == (APPLE_ROOT_CA_G3,)
    settings = AppleSettings.model_validate({})
    real = Apple(settings, Secrets(SecretSettings()), outgoing, timeout_s=20)
    assert not await real.find_purchase(APPLE.sign(), NOW)


@dataclass
class Harness:
    """The fake APIs of production and sandbox, and providers with a key for them."""

    production: RunningFake[AppStore]
    sandbox: RunningFake[AppStore]
    settings: AppleSettings
    http: httpx2.AsyncClient

    def provider(self, **settings: object) -> Apple:
        chosen = self.settings.model_copy(update=settings)
        return Apple(chosen, Secrets(SecretSettings()), self.http, 20, roots=[APPLE.root])


PRIVATE_KEY = ec.generate_private_key(ec.SECP256R1())


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, password: bytes = b"") -> str:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


@pytest.fixture
def harness(
    fake_app_store: RunningFake[AppStore],
    fake_sandbox: RunningFake[AppStore],
    outgoing: httpx2.AsyncClient,
) -> Harness:
    for each in (fake_app_store, fake_sandbox):
        each.fake.public_key = PRIVATE_KEY.public_key()
    settings = AppleSettings.model_validate(
        {
            "issuer_id": "57246542-96fe-1a63-e053-0824d011072a",
            "key_id": "2X9R4HXF34",
            "private_key": pem(PRIVATE_KEY),
            "api_url": fake_app_store.url,
            "sandbox_api_url": fake_sandbox.url,
        }
    )
    return Harness(fake_app_store, fake_sandbox, settings, outgoing)


@pytest.mark.parametrize(
    ("current", "is_entitled"),
    [
        (APPLE.sign(), True),
        (APPLE.sign(expiresDate=ms(NOW + timedelta(days=1))), True),
        (APPLE.sign(revocationDate=ms(NOW)), False),
        (APPLE.sign(expiresDate=ms(NOW)), False),
        (APPLE.sign(inAppOwnershipType="FAMILY_SHARED"), False),
        (APPLE.sign(productId="tip"), False),
        (None, False),
    ],
    ids=["stands", "renewed", "refunded", "ended", "given away", "exchanged", "unknown"],
)
async def test_current_state_overrides_signed_transaction(
    harness: Harness, caplog: pytest.LogCaptureFixture, current: str | None, *, is_entitled: bool
) -> None:
    harness.production.fake.transactions = {} if current is None else {ID: current}
    assert (await harness.provider().find_purchase(APPLE.sign(), NOW) is not None) == is_entitled
    assert harness.production.server.calls == 1
    assert harness.sandbox.server.calls == 0
    assert errors(caplog) == []


def with_spare_bit(token: str) -> str:
    """Return a token whose last character differs in bits that the signature does not use."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]


SPELLINGS: dict[str, Callable[[str], str]] = {
    "padding": lambda token: f"{token}==",
    "half the padding": lambda token: f"{token}=",
    "a line break": lambda token: f"{token[:-9]}\n{token[-9:]}",
    "a blank": lambda token: f"{token[:-9]} {token[-9:]}",
    "another character": lambda token: f"{token[:-9]}!{token[-9:]}",
    "another script": lambda token: f"{token[:-9]}ü{token[-9:]}",
    "spare bits": with_spare_bit,
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
async def test_other_spelling_of_signature_is_rejected(
    harness: Harness, spelling: Callable[[str], str]
) -> None:
    harness.production.fake.transactions[ID] = APPLE.sign()
    token = APPLE.sign()
    assert await harness.provider().find_purchase(spelling(token), NOW) is None
    assert harness.production.server.calls == 0
    assert await harness.provider().find_purchase(token, NOW)


@pytest.mark.parametrize(
    "token",
    [OTHER_AUTHORITY.sign(), APPLE.sign(revocationDate=1), APPLE.sign(productId="tip"), "a.b.c"],
    ids=["forged", "refunded", "another product", "not a transaction"],
)
async def test_rejected_transaction_is_not_sent_to_apple(harness: Harness, token: str) -> None:
    harness.production.fake.transactions[ID] = APPLE.sign()
    assert not await harness.provider().find_purchase(token, NOW)
    assert harness.production.server.calls == 0


async def test_sandbox_transaction_is_sent_to_sandbox(harness: Harness) -> None:
    harness.sandbox.fake.transactions[ID] = APPLE.sign(**SANDBOX)
    assert await harness.provider().find_purchase(APPLE.sign(**SANDBOX), NOW)
    harness.sandbox.fake.transactions[ID] = APPLE.sign(**SANDBOX, revocationDate=ms(NOW))
    assert not await harness.provider().find_purchase(APPLE.sign(**SANDBOX), NOW)
    assert harness.production.server.calls == 0
    assert harness.sandbox.server.calls == 2


async def test_pause_of_sandbox_does_not_pause_production(harness: Harness) -> None:
    harness.production.fake.transactions[ID] = APPLE.sign()
    harness.sandbox.server.faults += [Fault(429, headers={"Retry-After": "600"})]
    provider = harness.provider()
    with pytest.raises(DependencyUnavailable):
        await provider.find_purchase(APPLE.sign(**SANDBOX), NOW)
    assert await provider.find_purchase(APPLE.sign(), NOW)


async def test_transaction_id_cannot_change_the_path(harness: Harness) -> None:
    number = "../../v2/history?x=1#"
    harness.production.fake.transactions[ID] = APPLE.sign()
    with pytest.raises(DependencyUnavailable):
        await harness.provider().find_purchase(APPLE.sign(transactionId=number), NOW)


async def test_access_token_for_apple_is_short_lived(harness: Harness) -> None:
    harness.production.fake.transactions[ID] = APPLE.sign()
    assert await harness.provider().find_purchase(APPLE.sign(), NOW)
    [claims] = harness.production.fake.passes
    left_s = claims.pop("exp") - datetime.now(UTC).timestamp()
    assert 0 < left_s <= 20 * 60
    assert claims == {
        "alg": "ES256",
        "typ": "JWT",
        "kid": harness.settings.key_id,
        "iss": harness.settings.issuer_id,
        "aud": "appstoreconnect-v1",
        "bid": BUNDLE,
    }


async def test_deleted_account_has_no_purchase(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.production.server.faults += [error_response(404, 4040001)]
    assert await harness.provider().find_purchase(APPLE.sign(), NOW) is None
    assert errors(caplog) == []


def error_response(status: int, code: int) -> Fault:
    return Fault(status, json.dumps({"errorCode": code, "errorMessage": "..."}).encode())


def response_with(**content: object) -> Fault:
    return Fault(200, json.dumps(content).encode())


TRANSIENT_RESPONSES = {
    "account not found, for now": error_response(404, 4040002),
    "app not found, for now": error_response(404, 4040004),
    "original not found, for now": error_response(404, 4040006),
    "an error": error_response(500, 5000000),
    "a transient error": error_response(500, 5000001),
    "too many calls": error_response(429, 4290000),
}


async def verify_with(harness: Harness, fault: Fault) -> None:
    """Verify a transaction once, which is an outage because of `fault`."""
    harness.production.fake.transactions[ID] = APPLE.sign()
    harness.production.server.faults += [fault]
    with pytest.raises(DependencyUnavailable):
        await harness.provider().find_purchase(APPLE.sign(), NOW)
    assert harness.production.server.calls == 1


@pytest.mark.parametrize("fault", TRANSIENT_RESPONSES.values(), ids=TRANSIENT_RESPONSES)
async def test_transient_error_is_an_outage_without_an_alert(
    harness: Harness, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    await verify_with(harness, fault)
    lines = [each for each in caplog.records if each.name == "shared.purchases.provider_api"]
    assert [each.levelno for each in lines] == [logging.WARNING]


INVALID_RESPONSES = {
    "app not found": error_response(404, 4040003),
    "an invalid number": error_response(400, 4000006),
    "signed by another authority": response_with(signedTransactionInfo=OTHER_AUTHORITY.sign()),
    "unsigned": response_with(signedTransactionInfo=unsigned("none")),
    "of another app": response_with(signedTransactionInfo=APPLE.sign(bundleId="com.example.other")),
    "not a transaction": response_with(signedTransactionInfo="a.b.c"),
    "a number": response_with(signedTransactionInfo=1),
    "null": response_with(signedTransactionInfo=None),
    "nothing": response_with(),
}


@pytest.mark.parametrize("fault", INVALID_RESPONSES.values(), ids=INVALID_RESPONSES)
async def test_unexpected_response_is_an_outage_with_alert(
    harness: Harness, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    await verify_with(harness, fault)
    assert len(errors(caplog)) == 1


async def test_rejected_key_is_an_outage_with_alert(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.production.fake.transactions[ID] = APPLE.sign()
    another = SecretStr(pem(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(DependencyUnavailable):
        await harness.provider(private_key=another).find_purchase(APPLE.sign(), NOW)
    assert errors(caplog) == ["the App Store: our credentials are rejected (401)"]


def public_pem() -> str:
    key = PRIVATE_KEY.public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


INVALID_KEYS = {
    "nothing": "",
    "a word": "SECRET-no-key",
    "half of the key": pem(PRIVATE_KEY)[:100],
    "of another kind": pem(rsa.generate_private_key(65537, 2048)),
    "of another curve": pem(ec.generate_private_key(ec.SECP384R1())),
    "locked": pem(PRIVATE_KEY, b"password"),
    "a public key": public_pem(),
}


@pytest.mark.parametrize("key", INVALID_KEYS.values(), ids=INVALID_KEYS)
async def test_invalid_private_key_is_an_outage_with_alert(
    harness: Harness, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    harness.production.fake.transactions[ID] = APPLE.sign()
    with pytest.raises(DependencyUnavailable):
        await harness.provider(private_key=SecretStr(key)).find_purchase(APPLE.sign(), NOW)
    assert errors(caplog) == ["the App Store: APPLE_PRIVATE_KEY is not a private key"]
    assert harness.production.server.calls == 0
