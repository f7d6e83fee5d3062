"""Count the calls to the database, by the names of their methods in Firestore's API."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scripts.local.observed_engine import EngineCall, Execute, observed


class RoundTrips:
    """The calls that a `Database` with `open_engine` makes."""

    def __init__(self) -> None:
        self._seen: list[str] = []
        self.documents = 0
        """Number of documents that the counted calls requested by name."""

        self.written = self.deleted = 0
        """Number of documents that they wrote and deleted."""

        self.open_engine = observed(self._count)

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """Yield a list. After the block it holds the names of its calls, in order."""
        self._seen.clear()
        self.documents = self.written = self.deleted = 0
        calls: list[str] = []
        yield calls
        calls += self._seen

    async def _count(self, call: EngineCall, execute: Execute) -> Any:  # noqa: ANN401
        # Each attempt of a retried call counts, because each is a round trip.
        self._seen.append(call.rpc)
        self.documents += len(call.names)
        deletes = sum(bool(write.delete) for write in call.writes)
        self.deleted += deletes
        self.written += len(call.writes) - deletes
        return await execute()
