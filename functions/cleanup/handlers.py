"""The route that receives the cleanup's messages."""

from functions.cleanup.cleaner import Cleaner
from shared.schemas.cleanup import PushedMessage
from shared.web.routes import Route


class CleanupHandlers:
    """Receives the messages of the cleanup's topic."""

    def __init__(self, cleaner: Cleaner) -> None:
        self._cleaner = cleaner

    def routes(self) -> list[Route]:
        """Return the routes with their handlers."""
        return [
            Route(
                "POST",
                "/",
                "Delete expired documents and the documents of deleted accounts.",
                request=PushedMessage,
                response=None,
                handler=self.clean,
                is_pushed_to=True,
            )
        ]

    async def clean(self, push: PushedMessage) -> None:
        """Make a pass of the cleanup."""
        await self._cleaner.clean(push.message.run_id, push.message.publish_time)
