"""Eventarc, as far as it hands Pub/Sub's messages to a function: as CloudEvents.

Source: https://cloud.google.com/eventarc/docs/cloudevents (the Pub/Sub event);
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

from dataclasses import dataclass

import httpx
from starlette.requests import Request
from starlette.responses import Response

_LONGEST_S = 3600


@dataclass
class Eventarc:
    """A trigger: what a subscription pushes to it goes to `function`, the address of a function."""

    topic: str
    """With its project: `projects/P/topics/T`."""

    function: str

    async def push(self, request: Request) -> Response:
        """Take a push of Pub/Sub's; its answer is the function's."""
        content = await request.body()
        message = (await request.json())["message"]
        headers = {
            "ce-id": message["messageId"],
            "ce-source": f"//pubsub.googleapis.com/{self.topic}",
            "ce-specversion": "1.0",
            "ce-time": message["publishTime"],
            "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
            "content-type": "application/json",
        }
        async with httpx.AsyncClient(timeout=_LONGEST_S) as http:
            try:
                answer = await http.post(self.function, content=content, headers=headers)
            except httpx.TransportError:
                return Response(status_code=503)  # Pub/Sub delivers it again.
        return Response(status_code=answer.status_code)
