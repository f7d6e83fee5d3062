"""The message that the cleanup is started by."""

from functions.cleanup.cleaner import Cleaner
from shared.schemas.cleanup import PushedMessage
from shared.store.cleanup_runs import Part
from shared.web.routes import Route


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
                takes=PushedMessage,
                answers=None,
                handler=self.clean,
                is_pushed_to=True,
            )
        ]

    async def clean(self, push: PushedMessage) -> None:
        """Do a part of a run of the cleanup."""
        message = push.message
        part = Part(message.run_id, message.attributes.part)
        await self._cleaner.clean(part, message.publish_time)
