"""Pub/Sub push messages that start the cleanup.

Source: https://cloud.google.com/pubsub/docs/reference/rest/v1/PubsubMessage;
https://cloud.google.com/pubsub/docs/push#receive_push
"""

from typing import Annotated

from pydantic import Field

from shared.schemas.wire import KIB, Instant, Request

RunId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=100)]


class Attributes(Request):
    run: RunId | None = None
    """The id of the run; by default it is derived from the message."""


class Message(Request):
    data: Annotated[str, Field(max_length=64 * KIB)] = ""
    """Not used. Declared so that its size counts towards the body limit."""

    message_id: RunId
    publish_time: Instant
    attributes: Attributes = Attributes()

    @property
    def run_id(self) -> str:
        """The id of the run, which is the same for each delivery of the message."""
        default = f"{self.publish_time:%Y%m%dT%H%M%S}-{self.message_id}"
        return self.attributes.run or default


class PushedMessage(Request):
    message: Message
