"""A database file in use, with the log lines of the engine, for tests of outages."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from shared.errors import DependencyUnavailable
from shared.store.data_model import Collection
from shared.store.database import Database
from shared.store.settings import DatabaseSettings

NUMBERS = Collection("numbers")
SIDES = ("left", "right")


class Scenario:
    """Pairs of documents in a file. A commit writes both documents of a pair.

    Args:
        path: the file.
        attempt_timeout_s: see `DatabaseSettings`. Long: only a lock or an error ends an attempt.
        retry_for_s: see `DatabaseSettings`. Short: the tests wait for failures.
    """

    def __init__(self, path: Path, attempt_timeout_s: float = 60, retry_for_s: float = 0.5) -> None:
        settings = DatabaseSettings(
            file=path, attempt_timeout_s=attempt_timeout_s, retry_for_s=retry_for_s
        )
        self.database = Database(settings)
        self.lines: list[str] = []

    @classmethod
    @contextmanager
    def logged(cls, path: Path) -> Iterator[Self]:
        """Collect the lines that the engine logs inside the block."""
        scenario = cls(path)
        handler = _Lines(scenario.lines)
        logger = logging.getLogger("shared.store.engines")
        logger.addHandler(handler)
        try:
            yield scenario
        finally:
            logger.removeHandler(handler)

    async def write(self, name: str) -> None:
        """Commit both documents of a pair."""
        batch = self.database.batch()
        for side in SIDES:
            document = self.database.document(NUMBERS, f"{name}-{side}")
            batch.set(document, {"content": bytes(10_000)})
        await self.database.commit(batch)

    async def read(self, name: str) -> int:
        """Return the number of existing documents of a pair."""
        documents = [self.database.document(NUMBERS, f"{name}-{side}") for side in SIDES]
        return len(await self.database.read(documents))

    async def write_all(self, names: Sequence[str]) -> list[BaseException | None]:
        """Write pairs at the same time; return the error of each."""
        return await asyncio.gather(*map(self.write, names), return_exceptions=True)

    async def expect_outage(self, *, of_reads: bool = False) -> None:
        """Every commit fails as in an outage and leaves nothing. Reads succeed by default."""
        names = [f"failed-{number}" for number in range(4 if of_reads else 16)]
        errors = await self.write_all(names)
        assert {type(error) for error in errors} == {DependencyUnavailable}
        if of_reads:
            results = await asyncio.gather(*map(self.read, names), return_exceptions=True)
            assert {type(result) for result in results} == {DependencyUnavailable}
        else:
            assert [await self.read(name) for name in names] == [0] * len(names)

    async def expect_service(self, name: str) -> None:
        """A commit and a read succeed."""
        await self.write(name)
        assert await self.read(name) == len(SIDES)
        assert await self.read("failed-0") == 0


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        assert record.exc_info is None
        self._lines.append(record.getMessage())
