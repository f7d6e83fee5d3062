"""Parts of runs: which of them is done, noted, and followed by another."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from functions.cleanup.cleaner import Cleaner
from shared.errors import DependencyUnavailable, InvalidRequest
from shared.settings import StoreSettings, TopicSettings
from shared.store.cleanup_runs import CleanupRuns, Part
from shared.store.client import Database, PreconditionFailed
from shared.topic import Topic


class Topics(Topic):
    """A topic that only remembers what is published, or cannot be reached."""

    def __init__(self) -> None:
        super().__init__(TopicSettings())
        self.published: list[Mapping[str, str]] = []
        self.is_down = False

    async def publish(self, attributes: Mapping[str, str]) -> None:
        """Publish a message."""
        if self.is_down:
            raise DependencyUnavailable("Pub/Sub", 5)
        self.published.append(attributes)


class Work:
    """Something to clean up, so many documents at a time."""

    def __init__(self, pages: int, *, page: int = 10, fails: bool = False) -> None:
        self.left = pages
        self.page = page
        self.fails = fails

    async def purge(self, _now: datetime) -> AsyncGenerator[int, None]:
        """Delete all of it."""
        if self.fails:
            raise DependencyUnavailable("the store", 5)
        while self.left:
            await asyncio.sleep(0.01)
            self.left -= 1
            yield self.page


class Bench:
    """A cleaner of one kind of document."""

    def __init__(self, work: Work, part_s: float, database: Database | None = None) -> None:
        self.runs = CleanupRuns(database or Database(StoreSettings()))
        self.topic = Topics()
        self.work = work
        self.run_id = f"test-{uuid4()}"
        self.asked_at = datetime.now(UTC)
        self._cleaner = Cleaner({"work": work.purge}, self.runs, self.topic, part_s)

    async def clean(self, number: int) -> None:
        await self._cleaner.clean(Part(self.run_id, number), self.asked_at)


async def test_a_part_that_is_through_ends_the_run() -> None:
    bench = Bench(Work(3), part_s=60)
    await bench.clean(1)
    run = await bench.runs.find(bench.run_id)
    assert run is not None
    assert run.ended_at is not None
    assert run.ended_at >= run.started_at
    assert (run.parts_over, run.deleted, run.failed) == (1, {"work": 30}, ())
    assert bench.topic.published == []


async def test_a_part_whose_time_is_over_sends_for_the_next_one() -> None:
    bench = Bench(Work(100), part_s=0.05)
    await bench.clean(1)
    assert bench.topic.published == [{"run": bench.run_id, "part": "2"}]
    run = await bench.runs.find(bench.run_id)
    assert run is not None
    assert run.ended_at is None
    first = run.deleted["work"]
    bench.work.left = 2
    await bench.clean(2)
    run = await bench.runs.find(bench.run_id)
    assert run is not None
    assert run.ended_at is not None
    assert (run.parts_over, run.deleted) == (2, {"work": first + 20})


async def test_each_part_tells_what_it_deleted_and_the_last_that_the_run_is_complete(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench(Work(100), part_s=0.05)
    with caplog.at_level(logging.INFO):
        await bench.clean(1)
        first = 10 * (100 - bench.work.left)
        bench.work.left = 2
        await bench.clean(2)
        bench.work.fails, bench.run_id = True, f"test-{uuid4()}"
        with pytest.raises(DependencyUnavailable):
            await bench.clean(1)
    told = [vars(each)["json_fields"] for each in caplog.records if "deleted" in each.message]
    assert [(each["deleted_in_all"], each["completes_run"]) for each in told] == [
        (first, False),
        (20, True),
        (0, False),
    ]


async def test_of_deliveries_at_the_same_time_one_sends_for_the_next_part() -> None:
    bench = Bench(Work(1000), part_s=0.05)
    await asyncio.gather(*(bench.clean(1) for _ in range(5)))
    assert bench.topic.published == [{"run": bench.run_id, "part": "2"}]
    run = await bench.runs.find(bench.run_id)
    assert run is not None
    assert run.deleted == {"work": 10 * (1000 - bench.work.left)}


async def test_a_part_that_is_delivered_late_does_nothing_and_sends_for_nothing() -> None:
    bench = Bench(Work(100), part_s=0.05)
    await bench.clean(1)
    left = bench.work.left
    await bench.clean(1)
    assert bench.work.left == left
    assert len(bench.topic.published) == 1


async def test_a_slow_delivery_does_not_reopen_a_run_that_has_ended() -> None:
    bench = Bench(Work(100), part_s=0.05)
    slow = asyncio.create_task(Bench.clean(bench, 1))
    await asyncio.sleep(0)
    fast = Cleaner({}, bench.runs, bench.topic, 60)
    await fast.clean(Part(bench.run_id, 1), bench.asked_at)
    await slow
    run = await bench.runs.find(bench.run_id)
    assert run is not None
    assert run.ended_at is not None
    assert bench.topic.published == []
    assert run.deleted["work"] > 0


async def test_what_failed_is_noted_and_the_message_is_to_come_again() -> None:
    bench = Bench(Work(5, fails=True), part_s=60)
    with pytest.raises(DependencyUnavailable):
        await bench.clean(1)
    run = await bench.runs.find(bench.run_id)
    assert run is not None
    assert (run.ended_at, run.failed) == (None, ("work",))
    bench.work.fails = False
    await bench.clean(1)
    run = await bench.runs.find(bench.run_id)
    assert run is not None
    assert run.ended_at is not None
    assert (run.deleted, run.failed) == ({"work": 50}, ())


async def test_what_still_fails_after_an_hour_is_left_to_the_next_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench(Work(5, fails=True), part_s=60)
    bench.asked_at -= timedelta(hours=1)
    await bench.clean(1)
    assert "gave up on work" in caplog.text
    run = await bench.runs.find(bench.run_id)
    assert run is not None
    assert (run.ended_at, run.failed) == (None, ("work",))


async def test_a_part_that_gets_nowhere_is_a_failure_and_sends_for_nothing() -> None:
    bench = Bench(Work(100, page=0), part_s=0.05)
    with pytest.raises(DependencyUnavailable):
        await bench.clean(1)
    assert bench.topic.published == []
    run = await bench.runs.find(bench.run_id)
    assert run is not None
    assert run.failed == ("work",)


async def test_a_part_whose_turn_it_is_not_is_refused() -> None:
    bench = Bench(Work(100), part_s=0.05)
    await bench.clean(1)
    with pytest.raises(InvalidRequest):
        await bench.clean(3)
    assert len(bench.topic.published) == 1


class Doubtful(Topics):
    """A topic that publishes, and says that it did not; the part that it asked for is done."""

    def __init__(self, bench: "Bench") -> None:
        super().__init__()
        self._bench = bench

    async def publish(self, attributes: Mapping[str, str]) -> None:
        """Publish a message."""
        cleaner = Cleaner({}, self._bench.runs, self._bench.topic, 60)
        await cleaner.clean(Part(attributes["run"], int(attributes["part"])), self._bench.asked_at)
        raise DependencyUnavailable("Pub/Sub", 5)


async def test_a_run_that_went_on_after_all_is_not_taken_back() -> None:
    bench = Bench(Work(100), part_s=0.05)
    doubtful = Cleaner({"work": bench.work.purge}, bench.runs, Doubtful(bench), 0.05)
    with pytest.raises(DependencyUnavailable):
        await doubtful.clean(Part(bench.run_id, 1), bench.asked_at)
    run = await bench.runs.find(bench.run_id)
    assert run is not None
    assert run.ended_at is not None
    assert run.parts_over == 2


async def test_when_the_next_part_cannot_be_sent_for_this_one_is_repeated() -> None:
    bench = Bench(Work(100), part_s=0.05)
    bench.topic.is_down = True
    with pytest.raises(DependencyUnavailable):
        await bench.clean(1)
    bench.topic.is_down = False
    await bench.clean(1)
    assert bench.topic.published == [{"run": bench.run_id, "part": "2"}]


class Forgetful(Database):
    """A store whose answer to the note of a part gets lost."""

    commits = 0
    note = 2  # the first tells that the run has begun

    async def commit(self, batch, *, repeatable: bool = True) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
        """Commit; the second time another attempt follows, which finds the document changed."""
        await super().commit(batch, repeatable=repeatable)
        self.commits += 1
        if self.commits == self.note:
            raise PreconditionFailed


async def test_a_lost_answer_to_the_note_does_not_keep_the_next_part_from_coming() -> None:
    bench = Bench(Work(100), part_s=0.05, database=Forgetful(StoreSettings()))
    await bench.clean(1)
    assert bench.topic.published == [{"run": bench.run_id, "part": "2"}]
    run = await bench.runs.find(bench.run_id)
    assert run is not None
    assert run.deleted == {"work": 10 * (100 - bench.work.left)}


async def test_a_run_can_be_seen_from_its_beginning() -> None:
    bench = Bench(Work(100), part_s=60)
    cleaning = asyncio.create_task(bench.clean(1))
    while (run := await bench.runs.find(bench.run_id)) is None:
        assert not cleaning.done()
    assert (run.ended_at, run.parts_over, run.deleted) == (None, 0, {})
    await cleaning


async def test_the_newest_runs_come_first() -> None:
    runs = Bench(Work(0), part_s=60)
    for _ in range(2):
        runs.run_id = f"test-{uuid4()}"
        await runs.clean(1)
    newest = await runs.runs.newest(100)
    started = [run.started_at for run in newest]
    assert started == sorted(started, reverse=True)
    assert len(await runs.runs.newest(1)) == 1
