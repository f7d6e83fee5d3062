"""Requests to publish events, and the feed.

Source: contract, heading "Events".
"""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.schemas.sign_in import SignInRequest
from shared.schemas.social import FollowSecret
from shared.schemas.wire import KIB, Base64, Instant, Request, Response

MAX_FOLLOWED_PER_REQUEST = 200


class PutEventRequest(SignInRequest):
    event_id: UUID
    encrypted_event_payload: Annotated[bytes, Base64(min_bytes=1, max_bytes=64 * KIB)]
    encrypted_event_iv: Annotated[bytes, Base64(min_bytes=1, max_bytes=16)]
    expiry: Instant


class FollowedUser(Request):
    user_id: UUID
    follow_secret: FollowSecret
    since: Instant
    """The feed contains only events with a later timestamp."""


class FeedRequest(Request):
    users: Annotated[list[FollowedUser], Field(min_length=1, max_length=MAX_FOLLOWED_PER_REQUEST)]


class EventResponse(Response):
    user_id: UUID
    event_id: UUID
    timestamp: Instant
    encrypted_event_payload: Annotated[bytes, Base64()]
    encrypted_event_iv: Annotated[bytes, Base64()]
    expiry: Instant


class FeedResponse(Response):
    events: list[EventResponse]
    invalid_follow_secrets: list[str]
