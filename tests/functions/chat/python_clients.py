"""The chat's own client, `Coach`, on the library signalrcore."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from urllib.error import HTTPError

from scripts.client.coach import Coach, DisconnectedError
from scripts.client.coach import InvocationFailedError as CallFailed
from tests.functions.chat.scenario import PATIENCE_S, CallFailedError, Client, RefusedError


class CoachClient(Client):
    """Talks through a `Coach`, whose threads hand over what they hear."""

    def __init__(self) -> None:
        super().__init__()
        self.coach: Coach

    async def introduce(self, locale: str) -> None:
        await _ended(self.coach.introduce(locale))

    async def say(self, text: str) -> None:
        await _ended(self.coach.send(text))

    async def call(self, method: str, *values: object) -> None:
        await _ended(self.coach.invoke(method, *values))

    async def stop(self) -> None:
        self.coach.stop()

    async def restart(self) -> None:
        self.coach.restart()


async def _ended(reply: "Future[None]") -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wrap_future(reply)
    except (CallFailed, DisconnectedError) as error:
        raise CallFailedError(str(error)) from None


class SignalRCore:
    """Connects with signalrcore."""

    @asynccontextmanager
    async def connected(
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
            raise RefusedError(str(error)) from None
        except DisconnectedError:
            raise RefusedError("at the socket") from None
        try:
            yield client
        finally:
            await asyncio.to_thread(client.coach.__exit__)
