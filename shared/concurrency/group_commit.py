"""Group commit: concurrent writes to one key share a commit."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Sequence
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from shared.concurrency.single_flight import retrieve_exception

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_GROUP_BYTES = 2 * 1024 * 1024
"""Firestore accepts 10 MiB per commit, its emulator 4 MiB; document names count too."""


class _Group(Generic[Item, Result]):
    def __init__(self) -> None:
        self.items: list[Item] = []
        self.size_bytes = 0
        self.task: asyncio.Task[Sequence[Result]]


class GroupCommit(Generic[Key, Item, Result]):
    """Collects items by key, and commits the items of a key in groups.

    While a group is committed, further items for its key form the next group. The groups of one
    key are committed one after the other, in order of arrival. Groups of different keys are
    committed concurrently. An item waits for the groups before it at most; these hold at most one
    item per request that the process serves.

    Belongs to the event loop in which it is used.

    Args:
        commit: writes a group and returns one result per item, in order. If it raises, all items
            of the group fail with that exception.
        size_bytes: returns the size of an item. A group contains up to `MAX_GROUP_BYTES`, or one
            larger item.
    """

    def __init__(
        self,
        commit: Callable[[Key, Sequence[Item]], Coroutine[object, object, Sequence[Result]]],
        size_bytes: Callable[[Item], int] = lambda _item: 0,
    ) -> None:
        self._commit = commit
        self._size_bytes = size_bytes
        self._collecting: dict[Key, _Group[Item, Result]] = {}
        self._locks: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    async def add(self, key: Key, item: Item) -> Result:
        """Commit `item` with its group; return its result.

        A cancelled caller does not stop the commit, because other items are part of it.
        """
        size_bytes = self._size_bytes(item)
        group = self._collecting.get(key)
        if group is None or group.size_bytes + size_bytes > MAX_GROUP_BYTES:
            group = self._collecting[key] = _Group()
            # The task copies the context of the group's first caller, so its log lines and spans
            # belong to that caller's trace.
            group.task = asyncio.create_task(self._commit_in_order(key, group))
            group.task.add_done_callback(retrieve_exception)
        index = len(group.items)
        group.items.append(item)
        group.size_bytes += size_bytes
        results = await asyncio.shield(group.task)
        return results[index]

    async def _commit_in_order(self, key: Key, group: _Group[Item, Result]) -> Sequence[Result]:
        async with self._locks.setdefault(key, asyncio.Lock()):
            # From here on, new items form the next group. A group that reached its size limit has
            # already been replaced.
            if self._collecting.get(key) is group:
                del self._collecting[key]
            return await self._commit(key, group.items)
