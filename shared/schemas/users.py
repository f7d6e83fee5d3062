"""Requests and responses of users.

Source: contract, heading "Users".
"""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.schemas.sign_in import SignInRequest
from shared.schemas.wire import KIB, Base64, Request, Response

MAX_USERS_PER_REQUEST = 200


class NewUserRequest(Request):
    """Has no fields: the server chooses id, lookup and password."""


class NewUserResponse(Response):
    id: UUID
    lookup: str
    password: str
    """Returned only here: the server stores a hash."""


class UserAddress(Request):
    id_or_lookup: str
    """A UUID is an id, anything else is a lookup."""


class UserResponse(Response):
    id: UUID
    lookup: str
    encrypted_current_plan: Annotated[bytes, Base64()] | None
    encrypted_profile_picture: Annotated[bytes, Base64()] | None
    encrypted_name: Annotated[bytes, Base64()] | None
    encryption_iv: Annotated[bytes, Base64()]
    rsa_public_key: Annotated[bytes, Base64()]


class ReplaceUserRequest(SignInRequest):
    user_id: Annotated[UUID, Field(alias="id")]
    encrypted_current_plan: Annotated[bytes, Base64(max_bytes=64 * KIB)] | None = None
    encrypted_profile_picture: Annotated[bytes, Base64(max_bytes=2000 * KIB)] | None = None
    encrypted_name: Annotated[bytes, Base64(max_bytes=2 * KIB)] | None = None
    encryption_iv: Annotated[bytes, Base64(max_bytes=16)]
    rsa_public_key: Annotated[bytes, Base64(max_bytes=KIB)]


class DeleteUserRequest(SignInRequest):
    user_id: Annotated[UUID, Field(alias="id")]


class UsersRequest(Request):
    ids: Annotated[list[UUID], Field(min_length=1, max_length=MAX_USERS_PER_REQUEST)]


class UsersResponse(Response):
    users: dict[UUID, UserResponse]
