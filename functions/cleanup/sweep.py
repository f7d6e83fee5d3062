"""Going through everything that may have to go: side by side, until a deadline."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

from shared.errors import LiftLogError

logger = logging.getLogger(__name__)

Pages = AsyncGenerator[int, None]
Purge = Callable[[datetime], Pages]
"""Deletes documents of one kind that have to go at an instant; yields each page's number."""


@dataclass
class Swept:
    """What a sweep has done."""

    deleted: Counter[str] = field(default_factory=Counter)
    """How many documents, by their kind."""

    unfinished: set[str] = field(default_factory=set)
    """The kinds of which there may be more: the time was over."""

    failed: set[str] = field(default_factory=set)
    """The kinds of which there may be more: something went wrong, which is in the log."""


async def sweep(purges: Mapping[str, Purge], now: datetime, for_s: float) -> Swept:
    """Let every purge go on until it is through, or has had `for_s` seconds.

    One that fails does not keep the others from going on. A page that was begun is brought to its
    end, so this may take a little longer.
    """
    swept = Swept()
    deadline = asyncio.get_running_loop().time() + for_s
    await asyncio.gather(
        *(_purge(kind, purge(now), deadline, swept) for kind, purge in purges.items())
    )
    return swept


async def _purge(kind: str, pages: Pages, deadline: float, swept: Swept) -> None:
    loop = asyncio.get_running_loop()
    try:
        async with aclosing(pages):
            async for deleted in pages:
                if deleted:
                    swept.deleted[kind] += deleted
                if loop.time() >= deadline:
                    swept.unfinished.add(kind)
                    return
    except LiftLogError as error:
        logger.warning("cannot clean up %s: %s", kind, str(error))
        swept.failed.add(kind)
    except Exception:  # the other kinds still have to go
        logger.exception("cannot clean up %s", kind)
        swept.failed.add(kind)
