"""A Pub/Sub topic to publish to.

Source: https://cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1 (Publisher.Publish)
"""

import asyncio
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import google.auth
import grpc.aio
from google.api_core.exceptions import GoogleAPIError, ServiceUnavailable
from google.api_core.retry import AsyncRetry, if_exception_type
from google.auth.exceptions import GoogleAuthError

from shared.errors import DependencyUnavailable
from shared.settings import TopicSettings

if TYPE_CHECKING:
    from google.pubsub_v1.services.publisher import PublisherAsyncClient

_SCOPE = "https://www.googleapis.com/auth/pubsub"
_TIMEOUT_S = 10
_TRY_AGAIN_S = 5


class Topic:
    """The topic of the settings; its client is loaded by the first message."""

    def __init__(self, settings: TopicSettings) -> None:
        self._settings = settings
        self._retry = AsyncRetry(
            predicate=if_exception_type(ServiceUnavailable), initial=0.1, timeout=_TIMEOUT_S
        )

    async def publish(self, attributes: Mapping[str, str]) -> None:
        """Publish a message without content, in ten seconds or not at all.

        Raises:
            DependencyUnavailable: it cannot be told whether it was published.
        """
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                client, project = await self._connect()
                async with client:
                    await client.publish(
                        request={
                            "topic": f"projects/{project}/topics/{self._settings.name}",
                            "messages": [{"attributes": dict(attributes)}],
                        },
                        timeout=_TIMEOUT_S,
                        retry=self._retry,
                    )
        except (GoogleAPIError, GoogleAuthError, TimeoutError) as error:
            raise DependencyUnavailable("Pub/Sub", _TRY_AGAIN_S) from error

    async def _connect(self) -> "tuple[PublisherAsyncClient, str | None]":
        """Return a client and its project. What blocks is done in a thread."""
        library = await asyncio.to_thread(
            importlib.import_module, "google.pubsub_v1.services.publisher"
        )
        project = self._settings.project
        if self._settings.emulator_host is not None:
            channel = grpc.aio.insecure_channel(self._settings.emulator_host)
            make = library.PublisherAsyncClient.get_transport_class("grpc_asyncio")
            return library.PublisherAsyncClient(transport=make(channel=channel)), project
        credentials, own = await asyncio.to_thread(google.auth.default, scopes=[_SCOPE])
        return library.PublisherAsyncClient(credentials=credentials), project or own
