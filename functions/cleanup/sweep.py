"""One pass: all purges side by side, until a time limit."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from datetime import datetime

from shared.errors import LiftLogError
from shared.store.cleanup_runs import Pass

logger = logging.getLogger(__name__)

Pages = AsyncGenerator[int, None]
"""Yields the number of deleted documents after each page."""

Purge = Callable[[datetime], Pages]
"""Deletes the documents of one kind that are due at a time."""


async def sweep(
    purges: Mapping[str, Purge],
    now: datetime,
    time_limit_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Pass:
    """Run every purge to its end, or until the time limit, which `clock` measures.

    A purge that fails does not stop the others. A page that has begun is finished, so the pass may
    take a few seconds more. Each purge gets at least one page.
    """
    result = Pass()
    deadline = clock() + time_limit_s

    async def run(kind: str, pages: Pages) -> None:
        # Closing runs the `finally` blocks of the purge now, and not at garbage collection.
        async with aclosing(pages):
            async for deleted in pages:
                if deleted:
                    result.deleted[kind] += deleted
                if clock() >= deadline:
                    result.unfinished.add(kind)
                    return

    async def run_safely(kind: str, purge: Purge) -> None:
        try:
            await run(kind, purge(now))
        except LiftLogError as error:
            logger.warning("cannot clean up %s: %s", kind, str(error))
            result.failed.add(kind)
        # Also for an error in our own code: the other kinds must still be cleaned up.
        except Exception:
            logger.exception("cannot clean up %s", kind)
            result.failed.add(kind)

    await asyncio.gather(*(run_safely(kind, purge) for kind, purge in purges.items()))
    return result
