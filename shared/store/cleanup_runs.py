"""The log of the cleanup's runs."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from shared.store.data_model import CLEANUP_RUNS
from shared.store.database import Database, PreconditionFailed
from shared.store.documents import Document

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference

_KEPT = timedelta(days=30)


@dataclass
class Pass:
    """The result of one pass: one delivery of a run's message."""

    deleted: Counter[str] = field(default_factory=Counter)
    """The number of deleted documents, by their kind."""

    unfinished: set[str] = field(default_factory=set)
    """The kinds of which more may be due, because the time was over."""

    failed: set[str] = field(default_factory=set)
    """The kinds of which more may be due, because of an error. The error is in the log."""


@dataclass(frozen=True)
class Run:
    """A run: all passes for one message."""

    id: str
    started_at: datetime
    ended_at: datetime | None
    """The end of the first pass without a failure; None: under way, cut off or failed."""

    deleted: Counter[str]
    """The number of deleted documents, by their kind."""

    unfinished: tuple[str, ...]
    """The kinds for which the time was not enough."""

    failed: tuple[str, ...]
    """The kinds that failed in the last pass, if the run has not ended."""

    @classmethod
    def of(cls, document: Document) -> Self:
        """Read a run from its document."""
        passes = document.fields.get("passes", {}).values()
        by_end = sorted(passes, key=lambda each: each["ended_at"])
        ended = next((each for each in by_end if not each["failed"]), None)
        last = ended or (by_end[-1] if by_end else {})
        return cls(
            id=document.id,
            started_at=document.fields["started_at"],
            ended_at=ended and ended["ended_at"],
            deleted=sum((Counter(each["deleted"]) for each in passes), Counter()),
            unfinished=tuple(last.get("unfinished", ())),
            failed=tuple(last.get("failed", ())),
        )


class CleanupRuns:
    """The runs of the last 30 days.

    Each pass writes its own field of the run's document, so passes at the same time and repeated
    commits need no precondition.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, run_id: str, now: datetime) -> bool:
        """Note that a run begins; return False if it has ended already.

        One read, and one commit for a new run.
        """
        run = await self.find(run_id)
        if run is not None:
            return run.ended_at is None
        batch = self._database.client.batch()
        batch.create(self._document(run_id), {"started_at": now, "expires_at": now + _KEPT})
        with suppress(PreconditionFailed):  # another delivery of the message created it
            await self._database.commit(batch)
        return True

    async def note(self, run_id: str, done: Pass, now: datetime) -> None:
        """Add a pass to a run that has begun; one commit."""
        fields = {
            "ended_at": now,
            "deleted": dict(done.deleted),
            "unfinished": sorted(done.unfinished),
            "failed": sorted(done.failed),
        }
        batch = self._database.client.batch()
        batch.set(
            self._document(run_id),
            {"passes": {uuid4().hex: fields}, "expires_at": now + _KEPT},
            merge=True,
        )
        await self._database.commit(batch)

    async def find(self, run_id: str) -> Run | None:
        """Return the run, or None if it has not begun; one read."""
        document = await self._database.read_one(self._document(run_id))
        return None if document is None else Run.of(document)

    async def newest(self, count: int) -> list[Run]:
        """Return the last runs, the newest first; one query."""
        runs = CLEANUP_RUNS.of(self._database.client)
        newest = runs.order_by("started_at", direction="DESCENDING").limit(count)
        return [Run.of(document) for document in await self._database.query(newest)]

    def _document(self, run_id: str) -> "AsyncDocumentReference":
        return CLEANUP_RUNS.of(self._database.client).document(run_id)
