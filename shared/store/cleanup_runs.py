"""The log of the cleanup's runs.

Terms of the cleanup:
    run: the work for one message, which the scheduler publishes every hour.
    pass: the work for one delivery of that message. After a failed pass, the message is delivered
        again.
    purge: the deletion of the due documents of one kind. A pass does all purges side by side.
    page: the documents that a purge deletes with one commit.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from shared.store.data_model import CLEANUP_RUNS
from shared.store.database import Database
from shared.store.documents import Document
from shared.store.preconditions import PreconditionFailed

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference

_RETENTION = timedelta(days=30)


@dataclass
class Pass:
    """The result of a pass."""

    deleted: Counter[str] = field(default_factory=Counter)
    """The number of deleted documents per kind."""

    unfinished: set[str] = field(default_factory=set)
    """The kinds whose purge reached the time limit. More documents may be due."""

    failed: set[str] = field(default_factory=set)
    """The kinds whose purge failed. More documents may be due. The log contains the errors."""


@dataclass(frozen=True)
class Run:
    """A run, with the sum of its passes."""

    id: str
    started_at: datetime
    ended_at: datetime | None
    """The end of the first pass without a failure. None: in progress, interrupted or failed."""

    deleted: Counter[str]
    """The number of deleted documents per kind."""

    unfinished: tuple[str, ...]
    """The kinds whose purge reached the time limit."""

    failed: tuple[str, ...]
    """The kinds whose purge failed in the last pass, if the run has not ended."""

    @classmethod
    def of(cls, document: Document) -> Self:
        """Read a run from its document."""
        passes = document.fields.get("passes", {}).values()
        by_end = sorted(passes, key=lambda each: each["ended_at"])
        # A concurrent delivery may fail after another has succeeded. The run stays ended.
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
    """The runs of the last 30 days."""

    # Each pass writes its own field of the run's document. So concurrent passes and repeated
    # commits need no precondition.

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, run_id: str, now: datetime) -> bool:
        """Store that a run begins; return False if it has already ended.

        One read, and one commit for a new run.
        """
        run = await self.find(run_id)
        if run is not None:
            return run.ended_at is None
        batch = self._database.batch()
        batch.create(self._document(run_id), {"started_at": now, "expires_at": now + _RETENTION})
        with suppress(PreconditionFailed):  # A concurrent delivery of the message created it.
            await self._database.commit(batch)
        return True

    async def add_pass(self, run_id: str, result: Pass, now: datetime) -> None:
        """Add a pass to a run that has begun; one commit."""
        fields = {
            "ended_at": now,
            "deleted": dict(result.deleted),
            "unfinished": sorted(result.unfinished),
            "failed": sorted(result.failed),
        }
        batch = self._database.batch()
        batch.set(
            self._document(run_id),
            {"passes": {uuid4().hex: fields}, "expires_at": now + _RETENTION},
            merge=True,
        )
        await self._database.commit(batch)

    async def find(self, run_id: str) -> Run | None:
        """Return the run, or None if it has not begun; one read."""
        document = await self._database.read_one(self._document(run_id))
        return None if document is None else Run.of(document)

    async def newest(self, count: int) -> list[Run]:
        """Return the last `count` runs, newest first; one query."""
        runs = self._database.collection(CLEANUP_RUNS)
        newest = runs.order_by("started_at", direction="DESCENDING").limit(count)
        return [Run.of(document) for document in await self._database.query(newest)]

    def _document(self, run_id: str) -> "AsyncDocumentReference":
        return self._database.document(CLEANUP_RUNS, run_id)
