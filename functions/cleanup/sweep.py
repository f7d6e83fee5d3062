"""One pass over all kinds of documents: side by side, until a deadline."""

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
Purge = Callable[[datetime], Pages]
"""Deletes the documents of one kind that are due at an instant. Yields each page's deletions."""


async def sweep(
    purges: Mapping[str, Purge],
    now: datetime,
    for_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Pass:
    """Let every purge run to its end, or until `for_s` seconds of `clock` are over.

    A purge that fails does not stop the others. A page that was begun is finished, so this may take
    a few seconds longer. Each purge gets one page at least.
    """
    done = Pass()
    deadline = clock() + for_s

    async def run(kind: str, pages: Pages) -> None:
        async with aclosing(pages):
            async for deleted in pages:
                if deleted:
                    done.deleted[kind] += deleted
                if clock() >= deadline:
                    done.unfinished.add(kind)
                    return

    async def run_safely(kind: str, purge: Purge) -> None:
        try:
            await run(kind, purge(now))
        except LiftLogError as error:
            logger.warning("cannot clean up %s: %s", kind, str(error))
            done.failed.add(kind)
        except Exception:  # the other kinds must still be cleaned up
            logger.exception("cannot clean up %s", kind)
            done.failed.add(kind)

    await asyncio.gather(*(run_safely(kind, purge) for kind, purge in purges.items()))
    return done
