"""Work that is for one client only: it ends when the client hangs up."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

Result = TypeVar("Result")


async def unless_hung_up(receive: Receive, work: Coroutine[Any, Any, Result]) -> Result:
    """Return what `work` returns; `receive` is a request's, after its body was read.

    Raises:
        ClientDisconnect: the client hung up first, and the work was cancelled and has ended.
    """
    working = asyncio.create_task(work)
    listening = asyncio.create_task(_hung_up(receive))
    try:
        await asyncio.wait({working, listening}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        working.cancel()
        listening.cancel()
        await asyncio.gather(working, listening, return_exceptions=True)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
