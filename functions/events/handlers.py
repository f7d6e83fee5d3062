"""The routes of events."""

from collections.abc import AsyncIterator, Sequence

from shared.auth.sign_in import Credentials, SignIn
from shared.concurrency.group_commit import GroupCommit
from shared.errors import NotAuthenticated, NotFound, Overloaded
from shared.schemas.events import EventResponse, FeedRequest, FeedResponse, PutEventRequest
from shared.store.events import Event, Events, NewEvent
from shared.store.feed import Feeds, Followed
from shared.store.users import Account
from shared.timestamps import now
from shared.web.json_stream import JsonStream, stream_list
from shared.web.routes import Route


class EventHandlers:
    """Serves the routes of events."""

    def __init__(self, events: Events, feeds: Feeds, sign_in: SignIn[Account]) -> None:
        self._events = events
        self._feeds = feeds
        self._sign_in = sign_in
        self._putting = GroupCommit(self._put, lambda event: event.size_bytes)

    def routes(self) -> list[Route]:
        """Return the routes with their handlers."""
        return [
            Route(
                "PUT",
                "/event",
                "Publish an event, in place of the one of the same id.",
                takes=PutEventRequest,
                answers=None,
                handler=self.put,
                refuses=[NotFound, NotAuthenticated, Overloaded],
            ),
            Route(
                "POST",
                "/events",
                "Read what the followed users have published.",
                takes=FeedRequest,
                answers=FeedResponse,
                handler=self.read_feed,
                is_cancellable=True,
            ),
        ]

    async def put(self, request: PutEventRequest) -> None:
        """Publish an event; an author's events that arrive together are one sign-in and commit."""
        await self._putting.add(Credentials(request.user_id, request.password), _event(request))

    async def _put(self, author: Credentials, events: Sequence[NewEvent]) -> Sequence[None]:
        await self._events.put(await self._sign_in.account(*author), events, now())
        return [None] * len(events)

    async def read_feed(self, request: FeedRequest) -> JsonStream:
        """Read a feed."""
        followed = [Followed(f.user_id, f.follow_secret, f.since) for f in request.users]
        feed = await self._feeds.read(followed, now())
        return stream_list(
            "events",
            _answers(feed.events),
            {"invalidFollowSecrets": feed.invalid_follow_secrets},
        )


def _event(request: PutEventRequest) -> NewEvent:
    return NewEvent(
        request.event_id,
        request.encrypted_event_payload,
        request.encrypted_event_iv,
        request.expiry,
    )


async def _answers(events: AsyncIterator[Event]) -> AsyncIterator[EventResponse]:
    async for event in events:
        yield EventResponse.of(event)
