"""Signed transactions of the App Store, with an authority of our own in Apple's place."""

import hashlib
import hmac
import inspect
import json
import logging
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
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
from scripts.fakes.faults import Failing, Fault
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.errors import DependencyUnavailable
from shared.purchases.apple import Apple
from shared.purchases.apple_root import APPLE_ROOT_CA_G3
from shared.purchases.apple_settings import AppleSettings
from shared.purchases.authenticator import Purchase
from tests.loopback import served

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ID = "2000000000000001"
APPLE = Authority()
SOMEBODY = Authority()
OTHER_SIGNER = Authority(is_for_transactions=False)
SANDBOX = {"environment": "Sandbox"}


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def alarms(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]


@pytest.fixture(scope="module")
async def outgoing() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient() as client:
        yield client


NewVerifier = Callable[..., Apple]


@pytest.fixture
def new_verifier(outgoing: httpx2.AsyncClient) -> NewVerifier:
    """Makes a verifier that asks nobody, for chains of `roots`."""

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
        "none of it",
        "less than none",
        "no quantity",
        "of Xcode",
        "of a test on a device",
        "of an unknown environment",
        "of no environment",
    ],
)
async def test_signed_transaction_proves_purchase(
    new_verifier: NewVerifier, changes: dict[str, Any], *, is_entitled: bool
) -> None:
    assert (
        await new_verifier().find_purchase(APPLE.sign(**changes), NOW) is not None
    ) == is_entitled


async def test_sandbox_transactions_can_be_rejected(new_verifier: NewVerifier) -> None:
    strict = new_verifier(allow_sandbox=False)
    assert await strict.find_purchase(APPLE.sign(), NOW)
    assert not await strict.find_purchase(APPLE.sign(**SANDBOX), NOW)


async def test_bundle_and_product_are_configurable(new_verifier: NewVerifier) -> None:
    other = new_verifier(bundle_id="com.example.other", product="lifetime")
    token = APPLE.sign(bundleId="com.example.other", productId="lifetime")
    assert await other.find_purchase(token, NOW)
    assert not await other.find_purchase(APPLE.sign(), NOW)
    assert not await new_verifier().find_purchase(token, NOW)


def part(content: object) -> str:
    """Return a part of a token."""
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


def signed_with_what_everybody_knows() -> str:
    """Return a token whose "secret" is the certificate that it shows."""
    head = f"{part({'alg': 'HS256', 'x5c': APPLE.chain})}.{part(APPLE.claims())}"
    mac = hmac.digest(APPLE.chain[0].encode(), head.encode(), hashlib.sha256)
    return f"{head}.{urlsafe_b64encode(mac).decode().rstrip('=')}"


def without_chain() -> str:
    return jwt.encode(APPLE.claims(), ec.generate_private_key(ec.SECP256R1()), "ES256")


GARBAGE = b64encode(b"\x30\x03\x02\x01\x01").decode()
FORGERIES = {
    "another payload": other_payload(APPLE.sign(productId="tip")),
    "another signature": broken_signature(APPLE.sign()),
    "no signature": APPLE.sign().rpartition(".")[0] + ".",
    "signed by somebody": SOMEBODY.sign(),
    "signed by somebody, with Apple's root": SOMEBODY.sign(
        chain=[*SOMEBODY.chain[:2], APPLE.chain[2]]
    ),
    "signed by somebody, with Apple's upper half": SOMEBODY.sign(
        chain=[SOMEBODY.chain[0], *APPLE.chain[1:]]
    ),
    "signed by somebody, with Apple's chain": SOMEBODY.sign(chain=APPLE.chain),
    "signed by a certificate for something else": OTHER_SIGNER.sign(),
    "the chain is too short": APPLE.sign(chain=APPLE.chain[:2]),
    "the chain is too long": APPLE.sign(chain=[*APPLE.chain, APPLE.chain[2]]),
    "the chain is empty": APPLE.sign(chain=[]),
    "the chain is upside down": APPLE.sign(chain=APPLE.chain[::-1]),
    "the chain is the root alone": APPLE.sign(chain=APPLE.chain[2:] * 3),
    "the chain is no base64": APPLE.sign(chain=["ü!", *APPLE.chain[1:]]),
    "the chain is garbage": APPLE.sign(chain=[GARBAGE] * 3),
    "no chain": without_chain(),
    "certificates that had run out": APPLE.sign(signedDate=ms(datetime(2031, 1, 1, tzinfo=UTC))),
    "certificates of the future": APPLE.sign(signedDate=ms(datetime(2021, 1, 1, tzinfo=UTC))),
    "signed at no time": APPLE.sign(signedDate="yesterday"),
    "signed beyond all times": APPLE.sign(signedDate=10**30),
    "no algorithm": unsigned("none"),
    "an algorithm that is not there": unsigned("ES999"),
    "a shared secret": signed_with_what_everybody_knows(),
    "of Xcode, unsigned": unsigned("none", environment="Xcode"),
    "of Xcode, by somebody": SOMEBODY.sign(environment="Xcode"),
    "of a test on a device, unsigned": unsigned("none", environment="LocalTesting"),
    "of a test on a device, by somebody": SOMEBODY.sign(environment="LocalTesting"),
    "two dots": "..",
    "three words": "not.a.transaction",
    "three words in other scripts": "ключ.鍵.κλειδί",
    "a list for a header": f"{part([])}.{part({})}.",
    "a list for a payload": f"{part({'alg': 'ES256', 'x5c': APPLE.chain})}.{part([])}.AAAA",
    "a number for a chain": f"{part({'alg': 'ES256', 'x5c': 3})}.{part({})}.AAAA",
    "a number in the chain": f"{part({'alg': 'ES256', 'x5c': [1, 2, 3]})}.{part({})}.AAAA",
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
async def test_forged_transaction_is_rejected(new_verifier: NewVerifier, forgery: str) -> None:
    assert not await new_verifier().find_purchase(forgery, NOW)


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
    new_verifier: NewVerifier, token: str, original_id: str
) -> None:
    assert await new_verifier().find_purchase(token, NOW) == Purchase.of(original_id)


async def test_transaction_without_an_original_id_is_an_alert(
    new_verifier: NewVerifier, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(DependencyUnavailable):
        await new_verifier().find_purchase(APPLE.sign(originalTransactionId=None), NOW)
    assert alarms(caplog) == ["the App Store: a transaction has no original transaction id"]


@pytest.mark.parametrize("claim", ["quantity", "expiresDate", "price"])
async def test_signed_transaction_of_unknown_format_is_an_outage(
    new_verifier: NewVerifier, caplog: pytest.LogCaptureFixture, claim: str
) -> None:
    with pytest.raises(DependencyUnavailable):
        await new_verifier().find_purchase(APPLE.sign(**{claim: "unknown"}), NOW)
    assert len(alarms(caplog)) == 1


async def test_default_root_is_apples_certificate(outgoing: httpx2.AsyncClient) -> None:
    fingerprint = "63343abfb89a6a03ebb57e9b3f5fa7be7c4f5c756f3017b3a8c488c3653e9179"
    assert hashlib.sha256(APPLE_ROOT_CA_G3).hexdigest() == fingerprint
    assert inspect.signature(Apple).parameters["roots"].default == (APPLE_ROOT_CA_G3,)
    settings = AppleSettings.model_validate({})
    real = Apple(settings, Secrets(SecretSettings()), outgoing, timeout_s=20)
    assert not await real.find_purchase(APPLE.sign(), NOW)


@dataclass
class Environment:
    """One App Store Server API."""

    fake: AppStore
    server: Failing


@dataclass
class Asked:
    """The App Store Server API of production and sandbox, and a verifier that has a key to it."""

    production: Environment
    sandbox: Environment
    settings: AppleSettings
    http: httpx2.AsyncClient

    def verifier(self, **settings: object) -> Apple:
        chosen = self.settings.model_copy(update=settings)
        return Apple(chosen, Secrets(SecretSettings()), self.http, 20, roots=[APPLE.root])


PRIVATE_KEY = ec.generate_private_key(ec.SECP256R1())


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, password: bytes = b"") -> str:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


def an_environment(name: str) -> Environment:
    fake = AppStore("no receipts here", name, public_key=PRIVATE_KEY.public_key())
    return Environment(fake, fake.app())


@pytest.fixture(scope="module")
def production() -> Environment:
    return an_environment("Production")


@pytest.fixture(scope="module")
def sandbox() -> Environment:
    return an_environment("Sandbox")


@pytest.fixture(scope="module")
def settings(production: Environment, sandbox: Environment) -> Iterator[AppleSettings]:
    with served(production.server) as address, served(sandbox.server) as sandbox_address:
        yield AppleSettings.model_validate(
            {
                "issuer_id": "57246542-96fe-1a63-e053-0824d011072a",
                "key_id": "2X9R4HXF34",
                "private_key": pem(PRIVATE_KEY),
                "api_url": address,
                "sandbox_api_url": sandbox_address,
            }
        )


@pytest.fixture
def asked(
    production: Environment,
    sandbox: Environment,
    settings: AppleSettings,
    outgoing: httpx2.AsyncClient,
) -> Iterator[Asked]:
    yield Asked(production, sandbox, settings, outgoing)
    for environment in (production, sandbox):
        environment.server.faults.clear()
        environment.server.calls = 0
        environment.fake.transactions.clear()
        environment.fake.passes.clear()


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
    asked: Asked, caplog: pytest.LogCaptureFixture, current: str | None, *, is_entitled: bool
) -> None:
    asked.production.fake.transactions = {} if current is None else {ID: current}
    assert (await asked.verifier().find_purchase(APPLE.sign(), NOW) is not None) == is_entitled
    assert asked.production.server.calls == 1
    assert asked.sandbox.server.calls == 0
    assert alarms(caplog) == []


def spare_bits(token: str) -> str:
    """Return a token whose last character differs in bits that no byte of the signature uses."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]


SPELLINGS: dict[str, Callable[[str], str]] = {
    "padding": lambda token: f"{token}==",
    "half the padding": lambda token: f"{token}=",
    "a line break": lambda token: f"{token[:-9]}\n{token[-9:]}",
    "a blank": lambda token: f"{token[:-9]} {token[-9:]}",
    "another character": lambda token: f"{token[:-9]}!{token[-9:]}",
    "another script": lambda token: f"{token[:-9]}ü{token[-9:]}",
    "spare bits": spare_bits,
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
async def test_other_spelling_of_signature_is_rejected(
    asked: Asked, spelling: Callable[[str], str]
) -> None:
    asked.production.fake.transactions[ID] = APPLE.sign()
    token = APPLE.sign()
    assert await asked.verifier().find_purchase(spelling(token), NOW) is None
    assert asked.production.server.calls == 0
    assert await asked.verifier().find_purchase(token, NOW)


@pytest.mark.parametrize(
    "token",
    [SOMEBODY.sign(), APPLE.sign(revocationDate=1), APPLE.sign(productId="tip"), "a.b.c"],
    ids=["forged", "refunded", "another product", "rubbish"],
)
async def test_rejected_transaction_is_not_sent_to_apple(asked: Asked, token: str) -> None:
    asked.production.fake.transactions[ID] = APPLE.sign()
    assert not await asked.verifier().find_purchase(token, NOW)
    assert asked.production.server.calls == 0


async def test_sandbox_transaction_is_sent_to_sandbox(asked: Asked) -> None:
    asked.sandbox.fake.transactions[ID] = APPLE.sign(**SANDBOX)
    assert await asked.verifier().find_purchase(APPLE.sign(**SANDBOX), NOW)
    asked.sandbox.fake.transactions[ID] = APPLE.sign(**SANDBOX, revocationDate=ms(NOW))
    assert not await asked.verifier().find_purchase(APPLE.sign(**SANDBOX), NOW)
    assert asked.production.server.calls == 0
    assert asked.sandbox.server.calls == 2


async def test_pause_of_sandbox_does_not_pause_production(asked: Asked) -> None:
    asked.production.fake.transactions[ID] = APPLE.sign()
    asked.sandbox.server.faults += [Fault(429, headers={"Retry-After": "600"})]
    verifier = asked.verifier()
    with pytest.raises(DependencyUnavailable):
        await verifier.find_purchase(APPLE.sign(**SANDBOX), NOW)
    assert await verifier.find_purchase(APPLE.sign(), NOW)


async def test_transaction_id_cannot_change_the_path(asked: Asked) -> None:
    number = "../../v2/history?x=1#"
    asked.production.fake.transactions[ID] = APPLE.sign()
    with pytest.raises(DependencyUnavailable):
        await asked.verifier().find_purchase(APPLE.sign(transactionId=number), NOW)


async def test_access_token_for_apple_is_short_lived(asked: Asked) -> None:
    asked.production.fake.transactions[ID] = APPLE.sign()
    assert await asked.verifier().find_purchase(APPLE.sign(), NOW)
    [shown] = asked.production.fake.passes
    left_s = shown.pop("exp") - datetime.now(UTC).timestamp()
    assert 0 < left_s <= 20 * 60
    assert shown == {
        "alg": "ES256",
        "typ": "JWT",
        "kid": asked.settings.key_id,
        "iss": asked.settings.issuer_id,
        "aud": "appstoreconnect-v1",
        "bid": BUNDLE,
    }


async def test_deleted_account_has_no_purchase(
    asked: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    asked.production.server.faults += [refused(404, 4040001)]
    assert await asked.verifier().find_purchase(APPLE.sign(), NOW) is None
    assert alarms(caplog) == []


def refused(status: int, code: int) -> Fault:
    return Fault(status, json.dumps({"errorCode": code, "errorMessage": "..."}).encode())


def answered(**content: object) -> Fault:
    return Fault(200, json.dumps(content).encode())


TRANSIENT = {
    "account not found, for now": refused(404, 4040002),
    "app not found, for now": refused(404, 4040004),
    "original not found, for now": refused(404, 4040006),
    "an error": refused(500, 5000000),
    "an error for now": refused(500, 5000001),
    "too many calls": refused(429, 4290000),
}


@pytest.mark.parametrize("fault", TRANSIENT.values(), ids=TRANSIENT)
async def test_transient_error_is_an_outage_without_an_alert(
    asked: Asked, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    asked.production.fake.transactions[ID] = APPLE.sign()
    asked.production.server.faults += [fault]
    with pytest.raises(DependencyUnavailable):
        await asked.verifier().find_purchase(APPLE.sign(), NOW)
    assert asked.production.server.calls == 1
    lines = [each for each in caplog.records if each.name == "shared.purchases.provider_api"]
    assert [each.levelno for each in lines] == [logging.WARNING]


NO_ANSWER = {
    "app not found": refused(404, 4040003),
    "an invalid number": refused(400, 4000006),
    "signed by somebody": answered(signedTransactionInfo=SOMEBODY.sign()),
    "unsigned": answered(signedTransactionInfo=unsigned("none")),
    "of another app": answered(signedTransactionInfo=APPLE.sign(bundleId="com.example.other")),
    "rubbish": answered(signedTransactionInfo="a.b.c"),
    "a number": answered(signedTransactionInfo=1),
    "null": answered(signedTransactionInfo=None),
    "nothing": answered(),
}


@pytest.mark.parametrize("fault", NO_ANSWER.values(), ids=NO_ANSWER)
async def test_unexpected_response_is_an_outage_with_alert(
    asked: Asked, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    asked.production.fake.transactions[ID] = APPLE.sign()
    asked.production.server.faults += [fault]
    with pytest.raises(DependencyUnavailable):
        await asked.verifier().find_purchase(APPLE.sign(), NOW)
    assert asked.production.server.calls == 1
    assert len(alarms(caplog)) == 1


async def test_rejected_key_is_an_outage_with_alert(
    asked: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    asked.production.fake.transactions[ID] = APPLE.sign()
    another = SecretStr(pem(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(DependencyUnavailable):
        await asked.verifier(private_key=another).find_purchase(APPLE.sign(), NOW)
    assert alarms(caplog) == ["the App Store: our credentials are rejected (401)"]


def public_pem() -> str:
    key = PRIVATE_KEY.public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


NO_KEY = {
    "nothing": "",
    "a word": "SECRET-no-key",
    "half of it": pem(PRIVATE_KEY)[:100],
    "of another kind": pem(rsa.generate_private_key(65537, 2048)),
    "of another curve": pem(ec.generate_private_key(ec.SECP384R1())),
    "locked": pem(PRIVATE_KEY, b"password"),
    "the public one": public_pem(),
}


@pytest.mark.parametrize("key", NO_KEY.values(), ids=NO_KEY)
async def test_invalid_private_key_is_an_outage_with_alert(
    asked: Asked, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    asked.production.fake.transactions[ID] = APPLE.sign()
    with pytest.raises(DependencyUnavailable):
        await asked.verifier(private_key=SecretStr(key)).find_purchase(APPLE.sign(), NOW)
    assert alarms(caplog) == ["the App Store: APPLE_PRIVATE_KEY is not a private key"]
    assert asked.production.server.calls == 0
