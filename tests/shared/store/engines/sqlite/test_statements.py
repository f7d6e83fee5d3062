"""The SQL statements of reads and commits use indexes, so their cost follows the result's size."""

import ast
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from google.cloud.firestore_v1.types import Document, Write

from shared.store.data_model import EVENTS, USERS
from shared.store.engines.sqlite import commits, reads
from shared.store.engines.sqlite.commits import Commits, PendingCommit
from shared.store.engines.sqlite.file import File
from shared.store.engines.sqlite.indexes import Indexes, collection_scope
from shared.store.engines.sqlite.names import Names
from shared.store.engines.sqlite.queries import Range, Scan
from shared.store.engines.sqlite.reads import Reads

if TYPE_CHECKING:
    from google.protobuf.message import Message

_ROOT = "projects/p/databases/d/documents"
_USER = f"{_ROOT}/{USERS.name}/alice"
_EVENT = f"{_USER}/{EVENTS.name}/1"
_MODULES = (reads, commits)
# Reading and writing of rows, without transactions and savepoints.
_READS_OR_WRITES_ROWS = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE)\b")


@pytest.fixture
def executed(tmp_path: Path) -> tuple[list[str], File]:
    """The statements of all operations with their values, and the file."""
    file = File(tmp_path / "liftlog.db", Indexes())
    statements: list[str] = []
    with closing(file.connect()) as connection:
        connection.set_trace_callback(statements.append)
        names = Names(_ROOT)
        writer, reader = Commits(names, Indexes()), Reads(names)
        for fields in ({"a": 1}, {"a": 2}):
            writes = [_set(_USER, fields), _set(_EVENT, fields)]
            assert writer.execute(connection, [PendingCommit(writes)]) == [None]
        assert len(reader.documents(connection, [_USER, _EVENT], [])) == 2
        users = names.collection(_ROOT, USERS.name)
        for scope in (None, collection_scope(users, "a")):
            for is_descending in (False, True):
                scan = Scan(scope, users, Range(), is_descending, limit=10, fields=None)
                assert len(reader.scan(connection, scan)) == 1
        assert reader.ids(connection, USERS.name, 10, "").ids == ["alice"]
        deletes = [Write.pb(Write(delete=name)) for name in (_USER, _EVENT)]
        assert writer.execute(connection, [PendingCommit(deletes)]) == [None]
    return [each for each in statements if _READS_OR_WRITES_ROWS.match(each)], file


def test_statements_search_an_index_and_do_not_sort(executed: tuple[list[str], File]) -> None:
    statements, file = executed
    with closing(file.connect()) as connection:
        for statement in statements:
            plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
            assert [step for *_, step in plan if not step.startswith("SEARCH ")] == [], statement


@pytest.mark.parametrize("module", _MODULES, ids=["reads", "commits"])
def test_all_statements_are_examined(executed: tuple[list[str], File], module: ModuleType) -> None:
    statements, _ = executed
    in_source = list(_statements_of(module))
    assert in_source
    for pattern in in_source:
        assert any(pattern.fullmatch(_in_one_line(each)) for each in statements), pattern.pattern


def _statements_of(module: ModuleType) -> Iterator[re.Pattern[str]]:
    """Yield a pattern per statement in the source of a module, with any values."""
    for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text())):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and _READS_OR_WRITES_ROWS.match(text):
            yield re.compile(re.escape(_in_one_line(text)).replace(r"\?", ".+"))


def _in_one_line(statement: str) -> str:
    return " ".join(statement.split())


def _set(name: str, fields: dict[str, int]) -> "Message":
    values = {field: {"integer_value": value} for field, value in fields.items()}
    return Write.pb(Write(update=Document(name=name, fields=values)))
