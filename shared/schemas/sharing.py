"""Shared items: encrypted plans that anyone with the link may read.

Source: contract, heading "Sharing".
"""

from typing import Annotated

from shared.schemas.sign_in import SignInRequest
from shared.schemas.wire import KIB, Base64, Instant, Request, Response

IV_BYTES = 16


class InitializationVector(Request):
    value: Annotated[bytes, Base64(min_bytes=IV_BYTES, max_bytes=IV_BYTES)]


class EncryptedPayload(Request):
    encrypted_payload: Annotated[bytes, Base64(max_bytes=128 * KIB)]
    iv: InitializationVector


class NewSharedItemRequest(SignInRequest):
    encrypted_payload: EncryptedPayload
    expiry: Instant


class NewSharedItemResponse(Response):
    id: str


class SharedItemAddress(Request):
    id: str


class PublicKeyResponse(Response):
    spki_public_key_bytes: Annotated[bytes, Base64()]


class InitializationVectorResponse(Response):
    value: Annotated[bytes, Base64()]


class EncryptedPayloadResponse(Response):
    encrypted_payload: Annotated[bytes, Base64()]
    iv: InitializationVectorResponse


class SharedItemResponse(Response):
    rsa_public_key: PublicKeyResponse
    encrypted_payload: EncryptedPayloadResponse
