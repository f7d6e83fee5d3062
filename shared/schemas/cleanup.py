"""The messages that start the cleanup, as Pub/Sub pushes them.

Source: https://cloud.google.com/pubsub/docs/reference/rest/v1/PubsubMessage;
https://cloud.google.com/pubsub/docs/push#receive_push
"""

from typing import Annotated

from pydantic import Field

from shared.schemas.wire import KIB, Instant, Request

# The id of a document: Firestore rejects slashes, and reserves ids like `__id__`.
RunId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=100)]


class Attributes(Request):
    run: RunId | None = None
    """The id of the run. None: the message determines it."""


class Message(Request):
    # Not used. Declared, because the largest accepted body follows from the declared fields: a
    # message with data must not be rejected as too large.
    data: Annotated[str, Field(max_length=64 * KIB)] = ""

    message_id: RunId
    publish_time: Instant
    attributes: Attributes = Attributes()

    @property
    def run_id(self) -> str:
        """The id of the message's run, the same for each delivery."""
        # The time comes first, so ids sort by it.
        of_message = f"{self.publish_time:%Y%m%dT%H%M%S}-{self.message_id}"
        return self.attributes.run or of_message


class PushedMessage(Request):
    message: Message
