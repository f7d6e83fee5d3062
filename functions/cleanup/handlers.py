"""The event that the cleanup is started by."""

from functions.cleanup.cleaner import Cleaner
from shared.schemas.cleanup import MessagePublished
from shared.store.cleanup_runs import Part
from shared.web.routes import Route

_MESSAGE_PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"


class CleanupHandlers:
    """Takes messages of the cleanup's topic."""

    def __init__(self, cleaner: Cleaner) -> None:
        self._cleaner = cleaner

    def routes(self) -> list[Route]:
        """Return the routes with their handlers."""
        return [
            Route(
                "POST",
                "/",
                "Delete what has expired, and what is left of deleted accounts.",
                takes=MessagePublished,
                answers=None,
                handler=self.clean,
                event_type=_MESSAGE_PUBLISHED,
            )
        ]

    async def clean(self, event: MessagePublished) -> None:
        """Do a part of a run of the cleanup."""
        message = event.message
        part = Part(message.run_id, message.attributes.part)
        await self._cleaner.clean(part, message.publish_time)
