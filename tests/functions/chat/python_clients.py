"""The project's own client, `Coach`, on the library signalrcore."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from urllib.error import HTTPError

from scripts.client.coach import Coach, DisconnectedError, InvocationFailedError
from tests.functions.chat.client_interface import (
    TEST_TIMEOUT_S,
    Client,
    ConnectionRejectedError,
    InvocationError,
)


class CoachClient(Client):
    """A client on a `Coach`, whose threads receive the messages."""

    def __init__(self) -> None:
        super().__init__()
        self.coach: Coach

    async def introduce(self, locale: str) -> None:
        await _wait_for(self.coach.introduce(locale))

    async def send_message(self, text: str) -> None:
        await _wait_for(self.coach.send(text))

    async def invoke(self, method: str, *values: object) -> None:
        await _wait_for(self.coach.invoke(method, *values))

    async def stop(self) -> None:
        self.coach.stop()

    async def restart(self) -> None:
        self.coach.restart()


async def _wait_for(reply: "Future[None]") -> None:
    try:
        async with asyncio.timeout(TEST_TIMEOUT_S):
            await asyncio.wrap_future(reply)
    except (InvocationFailedError, DisconnectedError) as error:
        raise InvocationError(str(error)) from None


class SignalRCore:
    """Connects with signalrcore."""

    @asynccontextmanager
    async def connect(
        self, server: str, token: str, *, is_new: bool, negotiates: bool = True
    ) -> AsyncIterator[Client]:
        """Connect; as `Library`."""
        client = CoachClient()
        client.coach = Coach(
            server, token, client.received.append, is_new=is_new, negotiates=negotiates
        )
        try:
            await asyncio.to_thread(client.coach.__enter__)
        except HTTPError as error:
            error.close()
            raise ConnectionRejectedError(str(error)) from None
        except DisconnectedError:
            raise ConnectionRejectedError("the WebSocket was rejected") from None
        try:
            yield client
        finally:
            await asyncio.to_thread(client.coach.__exit__)
