"""Work on many parts at a time, with the results in the order of the parts."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from typing import TypeVar

Item = TypeVar("Item")


async def in_order(
    parts: AsyncIterable[AsyncGenerator[Item, None]],
    consume: Callable[[Item], None],
    concurrency: int,
) -> None:
    """Call `consume` with the items of all parts, part by part.

    Up to `concurrency` parts run at a time. Each of them runs ahead by two items at most, so the
    memory is bounded.

    Raises:
        Exception: the first error of a part, of `parts` or of `consume`.
    """
    waiting: deque[asyncio.Queue[Item | None]] = deque()
    try:
        async with asyncio.TaskGroup() as group:
            async for part in parts:
                queue: asyncio.Queue[Item | None] = asyncio.Queue(1)
                waiting.append(queue)
                group.create_task(_run(part, queue))
                if len(waiting) == concurrency:
                    await _consume(waiting.popleft(), consume)
            while waiting:
                await _consume(waiting.popleft(), consume)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def _run(part: AsyncGenerator[Item, None], queue: asyncio.Queue[Item | None]) -> None:
    async with aclosing(part):
        async for item in part:
            await queue.put(item)
    await queue.put(None)


async def _consume(queue: asyncio.Queue[Item | None], consume: Callable[[Item], None]) -> None:
    while (item := await queue.get()) is not None:
        consume(item)
