"""Events: what people publish, and the feed of those they follow.

Source: contract, heading "Events".
"""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.schemas.social import FollowSecret
from shared.schemas.users import SignInRequest
from shared.schemas.wire import KIB, Answer, Base64, Instant, Request

MAX_FOLLOWED_PER_REQUEST = 200


class PutEventRequest(SignInRequest):
    event_id: UUID
    encrypted_event_payload: Annotated[bytes, Base64(min_bytes=1, max_bytes=15 * KIB)]
    encrypted_event_iv: Annotated[bytes, Base64(min_bytes=1, max_bytes=16)]
    expiry: Instant


class FollowedUser(Request):
    user_id: UUID
    follow_secret: FollowSecret
    since: Instant
    """Only events stamped strictly after this instant are wanted."""


class FeedRequest(Request):
    users: Annotated[list[FollowedUser], Field(min_length=1, max_length=MAX_FOLLOWED_PER_REQUEST)]


class EventResponse(Answer):
    user_id: UUID
    event_id: UUID
    timestamp: Instant
    encrypted_event_payload: Annotated[bytes, Base64()]
    encrypted_event_iv: Annotated[bytes, Base64()]
    expiry: Instant


class FeedResponse(Answer):
    events: list[EventResponse]
    invalid_follow_secrets: list[str]
