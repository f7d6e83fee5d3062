"""Concurrent writers of one document. The winner is random, so invariants are compared."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from shared.store.documents import Document
from shared.store.preconditions import PreconditionFailed, if_exists, if_unchanged
from tests.shared.store.engines.differential.model import ITEMS
from tests.shared.store.engines.differential.sides import Side

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch


class Contest:
    """The writers of one race on one side. Each returns whether it succeeded."""

    def __init__(self, side: Side) -> None:
        self.database = side.database
        self.document = side.database.document(ITEMS, "race")
        self.other = side.database.document(ITEMS, "race-2")
        self.started: Document

    async def start(self) -> None:
        """Write the document that the writers compete for."""
        await self.set_both(0)
        self.started = await self.read()

    async def read(self) -> Document:
        """Return the document."""
        found = await self.database.read_one(self.document)
        assert found is not None
        return found

    async def update(self, number: int) -> bool:
        """Write `number` if the document is as it was at the start."""
        return await self._update(number, self.started)

    async def increment(self, _number: int) -> bool:
        """Add one, in as many attempts as it takes."""
        found = await self.read()
        while not await self._update(found.fields["n"] + 1, found):
            found = await self.read()
        return True

    async def set_both(self, number: int) -> bool:
        """Write `number` to two documents."""
        batch = self.database.batch()
        batch.set(self.document, {"n": number})
        batch.set(self.other, {"n": number})
        return await self._try(batch)

    async def create(self, number: int) -> bool:
        """Create the document."""
        batch = self.database.batch()
        batch.create(self.document, {"n": number})
        return await self._try(batch)

    async def delete(self, _number: int) -> bool:
        """Delete the document if it exists."""
        batch = self.database.batch()
        batch.delete(self.document, if_exists())
        return await self._try(batch)

    async def _update(self, number: int, read: Document) -> bool:
        batch = self.database.batch()
        batch.update(self.document, {"n": number}, if_unchanged(read.version))
        return await self._try(batch)

    async def _try(self, batch: "AsyncWriteBatch") -> bool:
        try:
            await self.database.commit(batch)
        except PreconditionFailed:
            return False
        return True


@dataclass(frozen=True)
class Race:
    """Several writers of one kind that begin at the same time."""

    kind: str
    writers: int

    async def run(self, side: Side) -> object:
        """Return the number of winners, whether the final state is allowed, and the end."""
        contest = Contest(side)
        await contest.start()
        if self.kind == "create":
            await contest.delete(0)
        write: Callable[[int], Awaitable[bool]] = getattr(contest, self.kind)
        numbers = range(1, self.writers + 1)
        successes = await asyncio.gather(*map(write, numbers))
        winners = [
            number for number, is_winner in zip(numbers, successes, strict=True) if is_winner
        ]
        is_allowed = await self._is_allowed(contest, winners)
        # Both sides get the same state, because their last writers may differ.
        await contest.set_both(-1)
        return len(winners), is_allowed, side.seen([await contest.read()])

    async def _is_allowed(self, contest: Contest, winners: list[int]) -> bool:
        found = await contest.database.read_one(contest.document)
        other = await contest.database.read_one(contest.other)
        if self.kind == "delete" or found is None:
            return found is None
        if self.kind == "set_both" and (other is None or _state(other) != _state(found)):
            return False
        allowed = [self.writers] if self.kind == "increment" else winners
        return found.fields["n"] in allowed and _state(found)[0] > _state(contest.started)[0]


def _state(document: Document) -> tuple[int, Any]:
    return document.version.ToNanoseconds(), document.fields  # type: ignore[attr-defined]


def races() -> st.SearchStrategy[Race]:
    """Return races."""
    kinds = ("update", "increment", "set_both", "create", "delete")
    return st.builds(Race, st.sampled_from(kinds), st.integers(2, 6))
