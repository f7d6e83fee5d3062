"""Fake of the App Store: receipts, App Store Server API and a certificate chain.

Source: https://developer.apple.com/documentation/appstorereceipts/verifyreceipt,
https://developer.apple.com/documentation/appstoreserverapi/get-transaction-info
"""

import time
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from scripts.fakes.faults import Failing

BUNDLE = "com.limajuice.liftlog"
PRODUCT = "pro"
# Extensions by which Apple marks its certificates; the last is not one for StoreKit.
_OF_INTERMEDIATES = "1.2.840.113635.100.6.2.1"
_OF_SIGNERS = "1.2.840.113635.100.6.11.1"
_OF_OTHER_SIGNERS = "1.2.840.113635.100.6.11.99"
# The order n of the curve P-256. Source: SEC 2, version 2.0, section 2.4.2
_ORDER_OF_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def as_receipt(content: bytes) -> str:
    """Return text in the form of a receipt: base64 of PKCS #7 signed data."""
    signed_data = bytes.fromhex("06092a864886f70d010702")
    return b64encode(b"\x30\x82\x12\x34" + signed_data + content).decode()


def a_purchase(**changes: object) -> dict[str, Any]:
    """Return an entry of a receipt. It is valid without `changes`."""
    usual = {
        "product_id": PRODUCT,
        "quantity": "1",
        "in_app_ownership_type": "PURCHASED",
        "transaction_id": "1000000000000001",
        "original_transaction_id": "1000000000000001",
    }
    return {**usual, **changes}


@dataclass
class AppStore:
    """One environment of the App Store.

    `receipts` maps the text of a receipt to its response: a status, the purchases of a valid
    receipt, or the whole response.
    """

    shared_secret: str
    environment: str = "Production"
    receipts: dict[str, int | list[dict[str, Any]] | dict[str, Any]] = field(default_factory=dict)
    bundle: str = BUNDLE
    transactions: dict[str, str] = field(default_factory=dict)
    """Signed transactions of the App Store Server API, by transaction id."""

    public_key: ec.EllipticCurvePublicKey | None = None
    """The public key of the clients of that API."""

    passes: list[dict[str, Any]] = field(default_factory=list)
    """Header and claims of each valid token that the API received."""

    def app(self) -> Failing:
        """Return the server."""
        return Failing(
            Router(
                [
                    Route("/verifyReceipt", self._verify, methods=["POST"]),
                    Route("/inApps/v1/transactions/{id}", self._transaction),
                ]
            )
        )

    async def _verify(self, request: Request) -> Response:
        asked = await request.json()
        # 21004: the shared secret is wrong. Apple reports errors with HTTP status 200.
        if asked.get("password") != self.shared_secret:
            return JSONResponse({"status": 21004})
        # 21003: the receipt is not authentic.
        found = self.receipts.get(asked["receipt-data"], 21003)
        if isinstance(found, int):
            return JSONResponse({"status": found, "environment": self.environment})
        if isinstance(found, dict):
            return JSONResponse(found)
        receipt = {"bundle_id": self.bundle, "in_app": found}
        return JSONResponse(
            {
                "status": 0,
                "environment": self.environment,
                "receipt": receipt,
                "latest_receipt_info": found,
            }
        )

    async def _transaction(self, request: Request) -> Response:
        if not self._may_ask(request.headers.get("authorization", "")):
            return Response("Unauthenticated", 401)
        signed = self.transactions.get(request.path_params["id"])
        if signed is None:
            # 4040010: transaction id not found.
            return JSONResponse({"errorCode": 4040010, "errorMessage": "..."}, 404)
        return JSONResponse({"signedTransactionInfo": signed})

    def _may_ask(self, authorization: str) -> bool:
        assert self.public_key is not None  # noqa: S101 - each test of this API sets it
        try:
            decoded = jwt.decode_complete(
                authorization.removeprefix("Bearer "),
                self.public_key,
                algorithms=["ES256"],
                audience="appstoreconnect-v1",
                options={"require": ["iss", "exp", "aud", "bid"]},
            )
        except jwt.PyJWTError:
            return False
        self.passes.append({**decoded["header"], **decoded["payload"]})
        return True


class Authority:
    """A certificate chain in Apple's form: root, intermediate, and signer of transactions.

    With `is_for_transactions=False` the signer has another purpose.
    """

    def __init__(self, *, is_for_transactions: bool = True) -> None:
        self._root_key = ec.generate_private_key(ec.SECP384R1())
        self._signer_key = ec.generate_private_key(ec.SECP256R1())
        middle_key = ec.generate_private_key(ec.SECP256R1())
        # Apple's root has a P-384 key, its signers have P-256 keys.
        root = _certificate("root", self._root_key, "root", self._root_key, None)
        middle = _certificate("middle", middle_key, "root", self._root_key, _OF_INTERMEDIATES)
        marker = _OF_SIGNERS if is_for_transactions else _OF_OTHER_SIGNERS
        signer = _certificate("signer", self._signer_key, "middle", middle_key, marker)
        self.root = root.public_bytes(Encoding.DER)
        self.chain = [
            b64encode(each.public_bytes(Encoding.DER)).decode() for each in (signer, middle, root)
        ]
        """The chain from the signer to the root, as in the header of a transaction."""

    def claims(self, **changes: object) -> dict[str, object]:
        """Return the claims of a valid transaction with `changes`. None removes a claim."""
        now_ms = int(time.time() * 1000)
        usual = {
            "transactionId": "2000000000000001",
            "originalTransactionId": "2000000000000001",
            "bundleId": BUNDLE,
            "productId": PRODUCT,
            "environment": "Production",
            "inAppOwnershipType": "PURCHASED",
            "type": "Non-Consumable",
            "quantity": 1,
            "purchaseDate": now_ms - 60_000,
            "signedDate": now_ms,
        }
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    def sign(self, *, chain: Sequence[str] | None = None, **changes: object) -> str:
        """Return a signed transaction with `changes`. `chain` replaces the certificate chain."""
        shown = self.chain if chain is None else list(chain)
        return jwt.encode(self.claims(**changes), self._signer_key, "ES256", {"x5c": shown})


def other_signature(signed: str) -> str:
    """Return the transaction with its second valid signature, (r, n - s).

    Source: SEC 1, version 2.0, section 4.1.4
    """
    head, _, signature = signed.rpartition(".")
    raw = urlsafe_b64decode(signature + "==")
    s = _ORDER_OF_P256 - int.from_bytes(raw[32:])
    return f"{head}.{urlsafe_b64encode(raw[:32] + s.to_bytes(32)).decode().rstrip('=')}"


def _certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    marker: str | None,
) -> x509.Certificate:
    now = datetime.now(UTC)
    is_signer = subject == "signer"
    usage = x509.KeyUsage(
        digital_signature=is_signer,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not is_signer,
        crl_sign=not is_signer,
        encipher_only=False,
        decipher_only=False,
    )
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=not is_signer, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(issuer_id, critical=False)
    )
    # Apple marks intermediates and signers by an extension. Its value is an ASN.1 NULL.
    if marker is not None:
        null = x509.UnrecognizedExtension(x509.ObjectIdentifier(marker), b"\x05\x00")
        builder = builder.add_extension(null, critical=False)
    return builder.sign(issuer_key, SHA256())
