"""The state machine: random operations on both engines, compared one by one."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.shared.store.engines.differential.queries import (
    ALL_DOCUMENTS,
    Pages,
    Query,
    pages,
    queries,
)
from tests.shared.store.engines.differential.races import Race, races
from tests.shared.store.engines.differential.reads import Ids, Read, ids, reads
from tests.shared.store.engines.differential.sides import Sides
from tests.shared.store.engines.differential.writes import Commit, commits, first_commits


class Machine(RuleBasedStateMachine):
    """Two empty databases at the start.

    Args:
        runner: runs the calls.
        sides: the databases.
        counts: gets the number of operations at the end.
    """

    def __init__(self, runner: asyncio.Runner, sides: Sides, counts: list[int]) -> None:
        super().__init__()
        self._runner = runner
        self._sides = sides
        self._counts = counts

    @initialize(commit=first_commits())
    def fill(self, commit: Commit) -> None:
        """Write many documents."""
        self.commit(commit)

    @rule(commit=commits())
    def commit(self, commit: Commit) -> None:
        """Commit, and compare the documents afterwards."""
        self._compare(commit)
        self._run(self._sides.compare(commit, commit.read))

    @rule(commit=commits())
    def commit_again(self, commit: Commit) -> None:
        """Commit twice. The second time, most writes change nothing."""
        self.commit(commit)
        self.commit(commit)

    @rule(read=reads())
    def read(self, read: Read) -> None:
        """Compare a batch read."""
        self._compare(read)

    @rule(query=queries())
    def query(self, query: Query) -> None:
        """Compare a query."""
        self._compare(query)

    @rule(query=queries())
    def query_again(self, query: Query) -> None:
        """Compare another query: most documents are interesting to several."""
        self._compare(query)

    @rule(pages=pages())
    def pages(self, pages: Pages) -> None:
        """Compare the pages of a query."""
        self._compare(pages)

    @rule(ids=ids())
    def ids(self, ids: Ids) -> None:
        """Compare the pages of a list of ids."""
        self._compare(ids)

    @rule(race=races())
    def race(self, race: Race) -> None:
        """Compare the invariants of concurrent writers."""
        self._compare(race)

    @rule()
    def reopen(self) -> None:
        """Close the file. The next call opens it again."""
        self._run(self._sides.sqlite.database.close())

    def teardown(self) -> None:
        """Compare all documents, and close the databases."""
        try:
            if self._sides.agree:
                for query in ALL_DOCUMENTS:
                    self._compare(query)
        finally:
            self._counts.append(self._sides.operations)
            self._run(self._sides.close())

    def _compare(self, operation: Commit | Read | Query | Pages | Ids | Race) -> None:
        self._run(self._sides.compare(operation, operation.run))

    def _run(self, call: Coroutine[Any, Any, None]) -> None:
        self._runner.run(call)


def machine(
    runner: asyncio.Runner, new_sides: Callable[[], Sides], counts: list[int]
) -> type[Machine]:
    """Return the state machine with these arguments, for hypothesis."""

    class Bound(Machine):
        def __init__(self) -> None:
            super().__init__(runner, new_sides(), counts)

    return Bound
