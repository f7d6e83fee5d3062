"""Group commit: items for one key that arrive together are written together."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Sequence
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

from shared.concurrency.single_flight import mark_seen

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_GROUP_BYTES = 2 * 1024 * 1024
"""Firestore accepts 10 MiB in one commit and its emulator 4, both with the names of documents."""


class _Group(Generic[Item, Result]):
    def __init__(self) -> None:
        self.items: list[Item] = []
        self.size_bytes = 0
        self.task: asyncio.Task[Sequence[Result]]


class GroupCommit(Generic[Key, Item, Result]):
    """Collects items by key, and commits the items of a key as groups.

    While a group is committed, further items for its key form the next group. The groups of a key
    are committed one after the other, in the order in which their items arrived; those of
    different keys run side by side. So an item waits for at most the groups that are before it
    when it arrives, which hold as many items as the process serves requests.

    Belongs to the event loop in which it is used.

    Args:
        commit: writes a group; returns one result per item, in order. If it raises, every item of
            the group fails with that exception.
        size_bytes: returns the size of an item; a group is cut at `MAX_GROUP_BYTES`.
    """

    def __init__(
        self,
        commit: Callable[[Key, Sequence[Item]], Coroutine[Any, Any, Sequence[Result]]],
        size_bytes: Callable[[Item], int] = lambda _item: 0,
    ) -> None:
        self._commit = commit
        self._size_bytes = size_bytes
        self._collecting: dict[Key, _Group[Item, Result]] = {}
        self._locks: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    async def add(self, key: Key, item: Item) -> Result:
        """Commit `item` with its group; return its result.

        The item is committed even if the caller is cancelled: it belongs to a group.
        """
        size_bytes = self._size_bytes(item)
        group = self._collecting.get(key)
        if group is None or group.size_bytes + size_bytes > MAX_GROUP_BYTES:
            group = self._collecting[key] = _Group()
            # The task has the context of the group's first caller, whose trace it belongs to.
            group.task = asyncio.create_task(self._run(key, group))
            group.task.add_done_callback(mark_seen)
        place = len(group.items)
        group.items.append(item)
        group.size_bytes += size_bytes
        results = await asyncio.shield(group.task)
        return results[place]

    async def _run(self, key: Key, group: _Group[Item, Result]) -> Sequence[Result]:
        async with self._locks.setdefault(key, asyncio.Lock()):
            if self._collecting.get(key) is group:
                del self._collecting[key]
            return await self._commit(key, group.items)
