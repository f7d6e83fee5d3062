"""Fake of a Pub/Sub topic with one push subscription.

It posts the same body and repeats failed deliveries as the Pub/Sub emulator does.

Source: https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics/publish,
https://cloud.google.com/pubsub/docs/push
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

logger = logging.getLogger(__name__)

_ACK_DEADLINE_S = 600
_MIN_BACKOFF_S, _MAX_BACKOFF_S = 1, 60
# As in infra/cleanup.tf. There, the message then becomes a dead letter.
_MAX_ATTEMPTS = 20
_MAX_WAITING = 100


class PushTopic:
    """A topic that posts its messages to the URL `push_to`, one at a time.

    Args:
        name: the full name, `projects/P/topics/T`.
        push_to: the URL of the receiver.
        sleep: waits some seconds before the next attempt.
    """

    def __init__(
        self,
        name: str,
        push_to: str,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._name = name
        self._push_to = push_to
        self._sleep = sleep
        self._waiting: set[asyncio.Task[None]] = set()
        self._one_at_a_time = asyncio.Lock()

    def app(self) -> Router:
        """Return the API. Its only method is `publish`."""
        return Router([Route(f"/v1/{self._name}:publish", self._publish, methods=["POST"])])

    async def _publish(self, request: Request) -> Response:
        messages = [_stamped(message) for message in (await request.json())["messages"]]
        if len(self._waiting) + len(messages) > _MAX_WAITING:
            error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Too many messages."}
            return JSONResponse({"error": error}, 429)
        for message in messages:
            task = asyncio.create_task(self._deliver(message))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)
        return JSONResponse({"messageIds": [message["messageId"] for message in messages]})

    async def _deliver(self, message: dict[str, Any]) -> None:
        """Push a message until the receiver accepts it, with a growing pause."""
        subscription = self._name.replace("/topics/", "/subscriptions/")
        pushed = {"subscription": subscription, "message": message}
        for attempt in range(_MAX_ATTEMPTS):
            if attempt:
                await self._sleep(min(_MIN_BACKOFF_S * 2 ** (attempt - 1), _MAX_BACKOFF_S))
            async with self._one_at_a_time:
                if await self._is_accepted(pushed):
                    return
        logger.warning("message dropped after %d attempts", _MAX_ATTEMPTS)

    async def _is_accepted(self, pushed: dict[str, Any]) -> bool:
        async with httpx.AsyncClient(timeout=_ACK_DEADLINE_S) as http:
            try:
                response = await http.post(self._push_to, json=pushed)
            except httpx.TransportError:
                return False
        return response.is_success


def _stamped(message: dict[str, Any]) -> dict[str, Any]:
    """Return a published message as the emulator pushes it: both spellings of two names."""
    # Random: the ids of an earlier process are in the database.
    message_id = str(uuid4().int)
    published_at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return {
        "data": "",
        **message,
        "messageId": message_id,
        "message_id": message_id,
        "publishTime": published_at,
        "publish_time": published_at,
    }
