"""Fake of Google Play purchases and of Google's access tokens.

Source: https://developers.google.com/android-publisher/api-ref/rest/v3/purchases.products,
https://developers.google.com/identity/protocols/oauth2/service-account
"""

from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from scripts.fakes.faults import Failing

PACKAGE = "com.limajuice.liftlog"
PRODUCT = "pro"
ACCESS_TOKEN = "fake-google-access-token"  # noqa: S105 - valid only for this fake


@dataclass
class GooglePlay:
    """Purchases of one app, by purchase token."""

    purchases: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """The requested purchase tokens."""

    access_tokens: int = 0
    """Number of access tokens issued."""

    access_lasts_s: int = 3599

    def app(self) -> Failing:
        """Return the server."""
        path = "/androidpublisher/v3/applications/{package}/purchases/products/{product}/tokens/"
        return Failing(Router([Route(path + "{token:path}", self._get)]))

    def sign_in_app(self) -> Failing:
        """Return the server that issues access tokens."""
        return Failing(Router([Route("/token", self._sign_in, methods=["POST"])]))

    async def _sign_in(self, _request: Request) -> Response:
        self.access_tokens += 1
        return JSONResponse(
            {
                "access_token": ACCESS_TOKEN,
                "expires_in": self.access_lasts_s,
                "token_type": "Bearer",
            }
        )

    async def _get(self, request: Request) -> Response:
        self.asked.append(request.path_params["token"])
        if request.headers.get("authorization") != f"Bearer {ACCESS_TOKEN}":
            return error(401, "authError")
        if request.path_params["package"] != PACKAGE:
            return error(404, "applicationNotFound")
        purchase = self.purchases.get(request.path_params["token"])
        if purchase is None:
            return error(404, "purchaseTokenNotFound")
        if request.path_params["product"] != purchase.get("productId", PRODUCT):
            return error(400, "purchaseTokenDoesNotMatchProductId")
        return JSONResponse({"kind": "androidpublisher#productPurchase", **purchase})


def error(status: int, reason: str) -> Response:
    """Return an error in the form of Google's APIs."""
    errors = [{"message": "...", "domain": "androidpublisher", "reason": reason}]
    return JSONResponse({"error": {"code": status, "message": "...", "errors": errors}}, status)


def service_account(sign_in: str) -> dict[str, str]:
    """Return the key file of a new service account whose token URL is at `sign_in`."""
    # google-auth signs its token request with this key, so the key must be a valid one.
    key = rsa.generate_private_key(65537, key_size=1024)  # noqa: S505 - a short key is fast to generate
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {
        "type": "service_account",
        "project_id": "fake",
        "private_key_id": "0123456789abcdef",
        "private_key": pem.decode(),
        "client_email": "ai@fake.iam.gserviceaccount.com",
        "token_uri": f"{sign_in}/token",
    }
