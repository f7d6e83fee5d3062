"""Work on many parts at a time."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from scripts.migration.ordered import in_order


class Parts:
    """Parts with three items each. A part waits until the test releases it."""

    def __init__(self, count: int, *, waits: bool = False) -> None:
        self.count = count
        self.released = [asyncio.Event() for _ in range(count)]
        self.produced: list[str] = []
        if not waits:
            for each in self.released:
                each.set()

    async def __aiter__(self) -> AsyncGenerator[AsyncGenerator[str, None], None]:
        for number in range(self.count):
            yield self._part(number)

    async def _part(self, number: int) -> AsyncGenerator[str, None]:
        await self.released[number].wait()
        for letter in "abc":
            self.produced.append(f"{number}{letter}")
            yield f"{number}{letter}"


async def test_items_arrive_in_the_order_of_the_parts() -> None:
    parts = Parts(5, waits=True)
    items: list[str] = []
    work = asyncio.create_task(in_order(parts, items.append, 3))
    for part in (2, 1, 0, 4, 3):
        parts.released[part].set()
        for _ in range(50):
            await asyncio.sleep(0)
    await work
    assert items == [f"{part}{letter}" for part in range(5) for letter in "abc"]


async def test_parts_run_ahead_by_two_items_each() -> None:
    parts = Parts(9, waits=True)
    for each in parts.released[1:]:
        each.set()
    items: list[str] = []
    work = asyncio.create_task(in_order(parts, items.append, 3))
    for _ in range(200):
        await asyncio.sleep(0)
    assert sorted(parts.produced) == ["1a", "1b", "2a", "2b"]
    parts.released[0].set()
    await work
    assert len(items) == 27


async def test_error_of_a_part_ends_the_work() -> None:
    async def failing() -> AsyncGenerator[str, None]:
        yield "first"
        raise ZeroDivisionError

    async def parts() -> AsyncGenerator[AsyncGenerator[str, None], None]:
        yield failing()

    with pytest.raises(ZeroDivisionError):
        await in_order(parts(), lambda _: None, 2)


async def test_error_of_the_consumer_ends_the_work() -> None:
    def consume(_item: str) -> None:
        raise OSError

    with pytest.raises(OSError, match=r"^$"):
        await in_order(Parts(5), consume, 2)
