"""Shared items: an encrypted plan that anyone with its link may read.

Source: contract, heading "Sharing".
"""

from typing import Annotated

from shared.schemas.users import SignInRequest
from shared.schemas.wire import KIB, Answer, Base64, Instant, Request

IV_BYTES = 16


class InitializationVector(Request):
    value: Annotated[bytes, Base64(min_bytes=IV_BYTES, max_bytes=IV_BYTES)]


class EncryptedPayload(Request):
    encrypted_payload: Annotated[bytes, Base64(max_bytes=20 * KIB)]
    iv: InitializationVector


class NewSharedItemRequest(SignInRequest):
    encrypted_payload: EncryptedPayload
    expiry: Instant


class NewSharedItemResponse(Answer):
    id: str


class SharedItemAddress(Request):
    id: str


class PublicKeyResponse(Answer):
    spki_public_key_bytes: Annotated[bytes, Base64()]


class InitializationVectorResponse(Answer):
    value: Annotated[bytes, Base64()]


class EncryptedPayloadResponse(Answer):
    encrypted_payload: Annotated[bytes, Base64()]
    iv: InitializationVectorResponse


class SharedItemResponse(Answer):
    rsa_public_key: PublicKeyResponse
    encrypted_payload: EncryptedPayloadResponse
