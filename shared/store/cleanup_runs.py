"""What runs of the cleanup have done, and which of their parts are over."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from shared.errors import InvalidRequest
from shared.store.client import Database, PreconditionFailed
from shared.store.contention import compare_and_set
from shared.store.data_model import CLEANUP_RUNS
from shared.store.documents import Document

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference

_KEPT = timedelta(days=30)
_BEGUN: dict[str, Any] = {
    "ended_at": None,
    "parts_over": 0,
    "over_by": "",
    "deleted": {},
    "failed": [],
}


@dataclass(frozen=True)
class Part:
    """A part of a run: what one message asks for."""

    run_id: str
    number: int
    """From 1."""


@dataclass(frozen=True)
class Run:
    """A run, in one part or several."""

    id: str
    started_at: datetime
    ended_at: datetime | None
    """None: it goes on, or was cut off."""

    parts_over: int
    over_by: str
    """The delivery with which the last of these was over."""

    deleted: Mapping[str, int]
    """By the kind of document."""

    failed: tuple[str, ...]
    """The kinds that the last part could not go through."""

    version: Any

    @classmethod
    def of(cls, document: Document) -> Self:
        """Read a run from its document."""
        fields = document.fields
        return cls(
            id=document.id,
            started_at=fields["started_at"],
            ended_at=fields["ended_at"],
            parts_over=fields["parts_over"],
            over_by=fields["over_by"],
            deleted=fields["deleted"],
            failed=tuple(fields["failed"]),
            version=document.version,
        )


@dataclass(frozen=True)
class Outcome:
    """How one delivery of a part went."""

    delivery: str
    """A name that no other delivery has."""

    ended_at: datetime
    deleted: Mapping[str, int]
    has_more: bool
    """Whether another part has to follow."""

    failed: tuple[str, ...]
    """The kinds that could not be gone through, for which the part is to be repeated."""

    @property
    def is_over(self) -> bool:
        """Whether the part need not be repeated."""
        return not self.failed


class CleanupRuns:
    """The runs of the last 30 days, by the message that started each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, part: Part, now: datetime) -> bool:
        """Note a run that begins; return whether the part is still to be done.

        It is not if another delivery of its message has. One read, and a commit for a new run.

        Raises:
            InvalidRequest: the parts before this one are not over.
        """
        run = await self.find(part.run_id)
        if run is not None:
            if part.number > run.parts_over + 1:
                raise InvalidRequest("no such part of that run")
            return run.parts_over < part.number
        batch = self._database.client.batch()
        fields = {**_BEGUN, "started_at": now, "expires_at": now + _KEPT}
        batch.create(self._document(part.run_id), fields)
        with suppress(PreconditionFailed):  # by another delivery, at the same time
            await self._database.commit(batch)
        return True

    async def note(self, part: Part, outcome: Outcome) -> bool:
        """Add an outcome to the run; return whether it is the first with which the part is over.

        One read and one commit. The run has to have begun.
        """
        return await compare_and_set(
            await self.find(part.run_id),
            lambda seen: self._note(seen, part, outcome),
            lambda: self.find(part.run_id),
        )

    async def reopen(self, part: Part, delivery: str) -> None:
        """Let the part be repeated after all, unless the run went on; a read and a commit."""
        run = await self.find(part.run_id)
        if run is None or run.over_by != delivery:
            return
        client = self._database.client
        batch = client.batch()
        reopened = {"parts_over": part.number - 1, "over_by": ""}
        unchanged = client.write_option(last_update_time=run.version)
        batch.update(self._document(part.run_id), reopened, option=unchanged)
        with suppress(PreconditionFailed):  # it just went on
            await self._database.commit(batch)

    async def find(self, run_id: str) -> Run | None:
        """Return the run; None when it has not begun; one read."""
        document = await self._database.read_one(self._document(run_id))
        return None if document is None else Run.of(document)

    async def newest(self, count: int) -> list[Run]:
        """Return the last runs, the newest first; one query."""
        runs = CLEANUP_RUNS.of(self._database.client)
        newest = runs.order_by("started_at", direction="DESCENDING").limit(count)
        return [Run.of(document) for document in await self._database.query(newest)]

    async def _note(self, run: Run | None, part: Part, outcome: Outcome) -> bool:
        assert run is not None  # noqa: S101 - it has begun
        if run.over_by == outcome.delivery:
            return True  # Our own first attempt, whose answer was lost.
        is_first = outcome.is_over and run.parts_over < part.number
        total = Counter(run.deleted) + Counter(outcome.deleted)
        fields: dict[str, Any] = {"deleted": dict(total)}
        if part.number > run.parts_over:
            is_end = outcome.is_over and not outcome.has_more
            fields |= {
                "ended_at": outcome.ended_at if is_end else None,
                "parts_over": part.number if is_first else run.parts_over,
                "over_by": outcome.delivery if is_first else run.over_by,
                "failed": list(outcome.failed),
                "expires_at": outcome.ended_at + _KEPT,
            }
        client = self._database.client
        batch = client.batch()
        unchanged = client.write_option(last_update_time=run.version)
        batch.update(self._document(part.run_id), fields, option=unchanged)
        await self._database.commit(batch)
        return is_first

    def _document(self, run_id: str) -> "AsyncDocumentReference":
        return CLEANUP_RUNS.of(self._database.client).document(run_id)
