"""Cancel the work for a request when its client disconnects."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

Result = TypeVar("Result")


async def run_until_disconnect(receive: Receive, work: Coroutine[object, object, Result]) -> Result:
    """Return the result of `work`; `receive` belongs to a request whose body has been read.

    Raises:
        ClientDisconnect: the client disconnected first. The work was cancelled and has ended.
    """
    working = asyncio.create_task(work)
    listening = asyncio.create_task(_wait_for_disconnect(receive))
    try:
        await asyncio.wait({working, listening}, return_when=asyncio.FIRST_COMPLETED)
        # A finished result is returned even if the client disconnects at the same time: the work
        # may have committed a change.
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        working.cancel()
        listening.cancel()
        # The tasks must end inside the request, so that its log entry covers all of its work.
        await asyncio.gather(working, listening, return_exceptions=True)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
