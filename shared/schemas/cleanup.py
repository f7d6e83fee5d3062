"""Messages that start the cleanup, as Pub/Sub pushes them.

Source: https://cloud.google.com/pubsub/docs/reference/rest/v1/PubsubMessage;
https://cloud.google.com/pubsub/docs/push#receive_push
"""

from typing import Annotated

from pydantic import Field

from shared.schemas.wire import KIB, Instant, Request

RunId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=100)]


class Attributes(Request):
    run: RunId | None = None
    """The name of the run; none: the message makes one."""

    part: Annotated[int, Field(ge=1, le=100_000)] = 1


class Message(Request):
    data: Annotated[str, Field(max_length=64 * KIB)] = ""
    """Nothing to us; there is room for it, so that no message is too large to be read."""

    message_id: RunId
    publish_time: Instant
    attributes: Attributes = Attributes()

    @property
    def run_id(self) -> str:
        """The run that it belongs to, also when it is delivered again."""
        started = f"{self.publish_time:%Y%m%dT%H%M%S}-{self.message_id}"
        return self.attributes.run or started


class PushedMessage(Request):
    message: Message
