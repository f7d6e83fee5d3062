"""The routes of events."""

from collections.abc import AsyncIterator, Sequence

from shared.schemas.events import EventResponse, FeedRequest, FeedResponse, PutEventRequest
from shared.store.events import Event, Events, NewEvent
from shared.store.feed import Feeds, Followed
from shared.store.users import Account
from shared.timestamps import now
from shared.web.authentication import PasswordAuth
from shared.web.features import Feature
from shared.web.json_stream import JsonStream, stream_list
from shared.web.routes import Route


class EventHandlers:
    """Serves the routes of events."""

    def __init__(self, events: Events, feeds: Feeds, auth: PasswordAuth) -> None:
        self._events = events
        self._feeds = feeds
        self._auth = auth

    def routes(self) -> list[Route]:
        """Return the routes with their handlers."""
        return [
            Route(
                "PUT",
                "/event",
                "Publish an event; replaces the event with the same id.",
                request=PutEventRequest,
                response=None,
                handler=self.put_all,
                features=[Feature.FEED],
                auth=self._auth,
                group_bytes=lambda request: _event(request).size_bytes,
            ),
            Route(
                "POST",
                "/events",
                "Read the events of the followed users.",
                request=FeedRequest,
                response=FeedResponse,
                handler=self.read_feed,
                features=[Feature.FEED],
                is_cancellable=True,
            ),
        ]

    async def put_all(self, requests: Sequence[PutEventRequest], author: Account) -> None:
        """Publish an author's events that arrived together, in one commit."""
        await self._events.put(author, [_event(request) for request in requests], now())

    async def read_feed(self, request: FeedRequest) -> JsonStream:
        """Read a feed."""
        followed = [Followed(f.user_id, f.follow_secret, f.since) for f in request.users]
        feed = await self._feeds.read(followed, now())
        # Streamed: a feed can be larger than the memory of an instance.
        return stream_list(
            "events",
            _responses(feed.events),
            {"invalidFollowSecrets": feed.invalid_follow_secrets},
        )


def _event(request: PutEventRequest) -> NewEvent:
    return NewEvent(
        request.event_id,
        request.encrypted_event_payload,
        request.encrypted_event_iv,
        request.expiry,
    )


async def _responses(events: AsyncIterator[Event]) -> AsyncIterator[EventResponse]:
    async for event in events:
        yield EventResponse.of(event)
