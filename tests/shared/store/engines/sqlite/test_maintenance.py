"""The check of a file, and copies of it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from shared.store.data_model import EVENTS, SHARED_ITEMS
from shared.store.database import Database
from shared.store.engines.sqlite.maintenance import UnusableFileError, check, copy
from shared.store.settings import DatabaseSettings
from tests.loopback import until
from tests.stored_documents import documents_in, put

COPIES = 5
LEAF_OF_INDEX = 10
"""The type of a page. Source: https://www.sqlite.org/fileformat.html"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "liftlog.db"


@pytest.fixture
async def own_database(path: Path) -> AsyncIterator[Database]:
    database = Database(DatabaseSettings(file=path))
    yield database
    await database.close()


@pytest.fixture
async def filled_path(own_database: Database, path: Path) -> Path:
    """The path of a closed file with documents."""
    for number in range(50):
        item = own_database.document(SHARED_ITEMS, str(number))
        await put(own_database, item, {"user_id": "a", "encrypted_payload": b"x" * 2000})
        event = own_database.document(EVENTS, str(number), user_id=uuid4())
        await put(own_database, event, {"number": number})
    await own_database.close()
    return path


def execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)


def test_sound_file_has_no_problems(filled_path: Path) -> None:
    assert check(filled_path) == []


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "DELETE FROM entries WHERE document % 2 = 0 AND scope >= x'63'",
            "50 entries of the index are missing",
        ),
        (
            "INSERT INTO entries VALUES (x'6301', x'0501', 1)",
            "1 entries of the index have no document",
        ),
        (
            "DELETE FROM documents WHERE number = 1",
            "1 entries of the index have no document",
        ),
    ],
    ids=["missing", "unexpected", "without document"],
)
def test_wrong_index_is_found(filled_path: Path, statement: str, problem: str) -> None:
    execute(filled_path, statement)
    assert check(filled_path) == [problem]


def test_entry_of_a_wrong_document_is_found(filled_path: Path) -> None:
    execute(filled_path, "UPDATE entries SET document = document + 1 WHERE document = 1")
    assert len(check(filled_path)) == 2


def test_damaged_page_is_found(filled_path: Path) -> None:
    with closing(sqlite3.connect(filled_path)) as connection:
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    content = filled_path.read_bytes()
    pages = [content[at : at + page_bytes] for at in range(0, len(content), page_bytes)]
    damaged = [
        page.replace(b"shared_items", b"shared_itemz") if page[0] == LEAF_OF_INDEX else page
        for page in pages
    ]
    assert damaged != pages
    filled_path.write_bytes(b"".join(damaged))
    assert check(filled_path)


async def test_copy_contains_all_acknowledged_commits(own_database: Database, path: Path) -> None:
    """Writers change two documents in each commit. No copy contains half of a commit."""
    is_copying = True
    acknowledged = [0] * 4

    async def write(writer: int) -> None:
        while is_copying:
            number = acknowledged[writer] + 1
            batch = own_database.batch()
            for part in ("a", "b"):
                document = own_database.document(SHARED_ITEMS, f"{writer}-{part}")
                batch.set(document, {"number": number})
            await own_database.commit(batch)
            acknowledged[writer] = number

    writers = [asyncio.create_task(write(writer)) for writer in range(len(acknowledged))]
    await until(lambda: all(acknowledged))
    for number in range(COPIES):
        before = list(acknowledged)
        copied = path.with_name(f"copy-{number}.db")
        await asyncio.to_thread(copy, path, copied)
        assert check(copied) == []
        for writer, (first, second) in (await stored_numbers(copied)).items():
            assert first == second >= before[writer]
    is_copying = False
    await asyncio.gather(*writers)


async def stored_numbers(path: Path) -> dict[int, tuple[int, int]]:
    """Return the numbers of both documents of each writer."""
    database = Database(DatabaseSettings(file=path))
    found = await documents_in(database, database.collection(SHARED_ITEMS))
    await database.close()
    numbers = {document.id: int(document.fields["number"]) for document in found}
    return {writer: (numbers[f"{writer}-a"], numbers[f"{writer}-b"]) for writer in range(4)}


def test_copy_is_complete_and_replaces_nothing_before_its_end(filled_path: Path) -> None:
    copied = filled_path.with_name("copy.db")
    copied.write_text("an older copy")
    copy(filled_path, copied)
    assert check(copied) == []
    assert {each.name for each in copied.parent.glob("copy*")} == {"copy.db"}
    damaged = filled_path.with_name("damaged.db")
    damaged.write_text("no database " * 1000)
    with pytest.raises(UnusableFileError):
        copy(damaged, copied)
    assert check(copied) == []
