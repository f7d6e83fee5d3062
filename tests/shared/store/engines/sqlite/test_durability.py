"""The options of connections, and the file after its log was torn."""

import random
from contextlib import closing
from pathlib import Path
from shutil import copyfile

import pytest

from shared.store.data_model import Collection
from shared.store.database import Database
from shared.store.engines.sqlite.file import File
from shared.store.engines.sqlite.indexes import Indexes
from shared.store.engines.sqlite.maintenance import check
from shared.store.settings import DatabaseSettings

PAIRS = Collection("pairs")
COMMITS = 25
FULL, MEMORY = 2, 2


def test_every_connection_has_the_options(tmp_path: Path) -> None:
    file = File(tmp_path / "data.db", Indexes())
    # The first connection creates the file.
    for _ in range(2):
        with closing(file.connect()) as connection:
            values = [
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("journal_mode", "synchronous", "fullfsync", "temp_store")
            ]
            assert values == ["wal", FULL, 1, MEMORY]


class Log:
    """Commits in the log of a file: the contents, and the length after each acknowledgement."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lengths = [0]

    async def write(self) -> None:
        """Commit a pair of documents with the same number, for each number from 1."""
        database = Database(DatabaseSettings(file=self.path))
        for number in range(1, COMMITS + 1):
            batch = database.batch()
            for side in ("left", "right"):
                content = bytes([number]) * (number * 997 % 9_000)
                batch.set(database.document(PAIRS, side), {"number": number, "content": content})
            await database.commit(batch)
            self.lengths.append(len(self.content))
        self.end = self.content
        copyfile(self.path, self.path.with_name("start.db"))
        await database.close()

    @property
    def content(self) -> bytes:
        """The log, before its transfer to the file."""
        return self.path.with_name(f"{self.path.name}-wal").read_bytes()

    async def commits_with(self, log: bytes) -> int:
        """Return the number of commits that are there with `log` instead of the log."""
        path = self.path.with_name("torn.db")
        copyfile(self.path.with_name("start.db"), path)
        path.with_name("torn.db-wal").write_bytes(log)
        database = Database(DatabaseSettings(file=path))
        references = [database.document(PAIRS, side) for side in ("left", "right")]
        numbers = [found.fields["number"] for found in await database.read(references)] or [0, 0]
        await database.close()
        assert check(path) == []
        assert len(numbers) == 2
        assert numbers[0] == numbers[1]
        return int(numbers[0])

    def commits_before(self, position: int) -> int:
        """Return the number of commits that ended in the log before `position`."""
        return sum(length <= position for length in self.lengths) - 1


@pytest.fixture
async def log(tmp_path: Path) -> Log:
    log = Log(tmp_path / "data.db")
    await log.write()
    assert log.lengths == sorted(set(log.lengths)), "the log began again"
    return log


@pytest.fixture
def positions(log: Log, *, is_long: bool) -> list[int]:
    """Positions in the log: random ones, and the end of each commit."""
    chosen = random.Random(4)
    count = 300 if is_long else 20
    return [*log.lengths[1:], *(chosen.randrange(len(log.end)) for _ in range(count))]


async def test_short_log_contains_all_commits_before_its_end(
    log: Log, positions: list[int]
) -> None:
    for position in positions:
        assert await log.commits_with(log.end[:position]) == log.commits_before(position)


async def test_wrong_byte_in_log_ends_the_commits_there(log: Log, positions: list[int]) -> None:
    for position in positions:
        wrong = bytearray(log.end)
        wrong[position - 1] ^= 0xFF
        assert await log.commits_with(bytes(wrong)) == log.commits_before(position - 1)
