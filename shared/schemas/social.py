"""Follow secrets and the inbox.

Source: contract, heading "Social".
"""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.schemas.sign_in import SignInRequest
from shared.schemas.wire import KIB, Base64, Request, Response

FollowSecret = Annotated[str, Field(max_length=40)]


class FollowSecretRequest(SignInRequest):
    follow_secret: FollowSecret


class PutMessageRequest(Request):
    to_user_id: UUID
    encrypted_message: Annotated[
        list[Annotated[bytes, Base64(max_bytes=KIB)]], Field(min_length=1, max_length=20)
    ]


class TakeMessagesRequest(SignInRequest):
    """Has no further fields."""


class InboxMessageResponse(Response):
    id: UUID
    encrypted_message: list[Annotated[bytes, Base64()]]


class InboxResponse(Response):
    inbox_messages: list[InboxMessageResponse]
