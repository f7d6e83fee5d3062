"""The file after `kill -9` at random moments of a write load with 16 writers."""

import os
import random
import signal
import time
from multiprocessing.connection import wait
from pathlib import Path

from tests.shared.store.engines.sqlite.audit import Audit
from tests.shared.store.engines.sqlite.children import Child
from tests.shared.store.engines.sqlite.write_load import pair_writers, write

WRITERS = range(16)
NUMBERS_PER_ROUND = 1_000_000
MAX_COMMITS_PER_ROUND = 400
MAX_DELAY_S = 0.03
COMMITS_AFTER_CRASH = 20


class Rounds:
    """Loads on one file, each ended by a crash."""

    def __init__(self, path: Path) -> None:
        self.audit = Audit(path)
        self.load_s = 0.0
        self._random = random.Random(15)
        self._first_number = 1

    async def run(self, loads: list[range]) -> None:
        """Run a process for each of `loads`, kill them one after the other, and audit the file."""
        start = time.monotonic()
        children = [Child(write, self.audit.path, writers, self._first_number) for writers in loads]
        try:
            self._kill_one_by_one(children)
        finally:
            for child in children:
                child.kill()
        self.load_s += time.monotonic() - start
        await self.audit.run(list(pair_writers(WRITERS)), self._first_number)
        self._first_number += NUMBERS_PER_ROUND

    def _kill_one_by_one(self, children: list[Child]) -> None:
        commits = self._random.randint(0, MAX_COMMITS_PER_ROUND)
        for number, child in enumerate(children):
            # The next process continues: the killed one leaves no lock.
            self._receive(children[number:], commits if number == 0 else COMMITS_AFTER_CRASH)
            # A random moment between two commits. The outcome does not depend on it.
            time.sleep(self._random.uniform(0, MAX_DELAY_S))
            child.kill()
            assert child.has_crashed
            for report in child.remaining_reports():
                self.audit.note(report)

    def _receive(self, children: list[Child], commits: int) -> None:
        by_pipe = {child.reports: child for child in children}
        for _ in range(commits):
            ready = wait(list(by_pipe), timeout=60)
            self.audit.note(by_pipe[ready[0]].next_report())  # type: ignore[index]


async def test_crash_loses_no_acknowledged_commit(tmp_path: Path, *, is_long: bool) -> None:
    rounds = Rounds(tmp_path / "data.db")
    count = 50 if is_long else 6
    for number in range(count):
        # In every second round, two processes share the file.
        await rounds.run([WRITERS] if number % 2 == 0 else [WRITERS[:8], WRITERS[8:]])
    commits = rounds.audit.acknowledged
    print(
        f"\n{count} crashes, {commits} acknowledged commits checked, "
        f"{commits / rounds.load_s:.0f} commits per second with the start of the processes, "
        f"{(tmp_path / 'data.db').stat().st_size / 1024 / 1024:.1f} MiB"
    )
    assert commits > count


async def test_copy_of_stopped_process_has_all_commits(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "data.db")
    child = Child(write, audit.path, WRITERS, 1)
    try:
        for _ in range(100):
            audit.note(child.next_report())
        os.kill(child.pid, signal.SIGSTOP)
        while child.reports.poll():
            audit.note(child.next_report())
        files = contents(audit.path)
        # The threads stop one after the other. A copy of changing files would be worthless.
        while (again := contents(audit.path)) != files:
            files = again
    finally:
        child.kill()
    copy = tmp_path / "copy.db"
    for suffix, content in files.items():
        copy.with_name(f"{copy.name}{suffix}").write_bytes(content)
    await audit.run(list(pair_writers(WRITERS)), 1, copy)


def contents(path: Path) -> dict[str, bytes]:
    """Return the contents of the file and of its log by their suffixes."""
    return {suffix: path.with_name(f"{path.name}{suffix}").read_bytes() for suffix in ("", "-wal")}
