"""GroupCommit with a fake commit: grouping, order, size limit, errors and cancellation."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.concurrency.group_commit import MAX_GROUP_BYTES, GroupCommit


class Commits:
    """GroupCommit whose commits wait for `released`, and the groups committed so far."""

    def __init__(self, size_bytes: int = 0) -> None:
        self.groups: list[tuple[str, list[str]]] = []
        self.started = asyncio.Event()
        self.released = asyncio.Event()
        self.error: Exception | None = None
        self.group_commit = GroupCommit(self._commit, lambda _item: size_bytes)

    async def _commit(self, key: str, items: Sequence[str]) -> Sequence[str]:
        self.groups.append((key, list(items)))
        self.started.set()
        await self.released.wait()
        if self.error is not None:
            raise self.error
        return [f"{item} written" for item in items]

    def add(self, *items: str, key: str = "key") -> "list[asyncio.Task[str]]":
        """Add each item in a separate task."""
        return [asyncio.create_task(self.group_commit.add(key, item)) for item in items]

    async def add_first(self, item: str, key: str = "key") -> "asyncio.Task[str]":
        """Add an item, and wait until its commit has started."""
        self.started.clear()
        [task] = self.add(item, key=key)
        await self.started.wait()
        return task


async def test_concurrent_items_form_one_group() -> None:
    commits = Commits()
    commits.released.set()
    results = await asyncio.gather(*commits.add("a", "b", "c"))
    assert results == ["a written", "b written", "c written"]
    assert commits.groups == [("key", ["a", "b", "c"])]


async def test_items_during_a_commit_form_the_next_group() -> None:
    commits = Commits()
    first = await commits.add_first("a")
    others = commits.add("b", "c")
    await asyncio.sleep(0)
    assert commits.groups == [("key", ["a"])]
    commits.released.set()
    await asyncio.gather(first, *others)
    assert commits.groups[1:] == [("key", ["b", "c"])]


async def test_full_group_is_followed_by_another_in_order() -> None:
    commits = Commits(size_bytes=MAX_GROUP_BYTES // 2)
    commits.released.set()
    await asyncio.gather(*commits.add("a", "b", "c", "d", "e"))
    assert [items for _, items in commits.groups] == [["a", "b"], ["c", "d"], ["e"]]


async def test_item_above_size_limit_is_its_own_group() -> None:
    commits = Commits(size_bytes=MAX_GROUP_BYTES + 1)
    commits.released.set()
    await asyncio.gather(*commits.add("a", "b"))
    assert [items for _, items in commits.groups] == [["a"], ["b"]]


async def test_groups_of_different_keys_run_concurrently() -> None:
    commits = Commits()
    first = await commits.add_first("a")
    second = await commits.add_first("b", key="another key")
    commits.released.set()
    assert [await first, await second] == ["a written", "b written"]


async def test_failed_commit_fails_only_its_group() -> None:
    commits = Commits()
    first = await commits.add_first("a")
    others = commits.add("b", "c")
    commits.error = ValueError("failed")
    commits.released.set()
    outcomes = await asyncio.gather(first, *others, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ValueError] * 3
    commits.error = None
    assert await asyncio.gather(*commits.add("d")) == ["d written"]


async def test_item_of_cancelled_caller_is_committed() -> None:
    commits = Commits()
    first = await commits.add_first("a")
    cancelled, other = commits.add("b", "c")
    await asyncio.sleep(0)
    cancelled.cancel()
    commits.released.set()
    assert [await first, await other] == ["a written", "c written"]
    assert commits.groups[1:] == [("key", ["b", "c"])]
    with pytest.raises(asyncio.CancelledError):
        await cancelled
