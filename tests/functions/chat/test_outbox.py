"""The unsent records of one client."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from functions.chat.outbox import Outbox


def writes(text: str) -> Callable[[], str]:
    return lambda: text


async def test_outbox_keeps_the_order_of_records() -> None:
    outbox = Outbox()
    for character in "abc":
        outbox.put(writes(character))
    assert await outbox.take() == "abc"


async def test_replacement_moves_to_the_end() -> None:
    outbox = Outbox()
    outbox.put(writes("a1 "), "a")
    outbox.put(writes("b1 "), "b")
    outbox.put(writes("c "))
    outbox.put(writes("a2 "), "a")
    assert len(outbox) == 3
    assert await outbox.take() == "b1 c a2 "
    assert len(outbox) == 0


async def test_alternating_keys_keep_one_record_each() -> None:
    outbox = Outbox()
    for number in range(1000):
        outbox.put(writes(f"text{number} "), "text")
        outbox.put(writes(f"plan{number} "), "plan")
        assert len(outbox) <= 2
    outbox.put(writes("completion"))
    assert await outbox.take() == "text999 plan999 completion"


async def test_taken_record_is_not_replaced() -> None:
    outbox = Outbox()
    outbox.put(writes("a1"), "a")
    assert await outbox.take() == "a1"
    outbox.put(writes("a2"), "a")
    assert await outbox.take() == "a2"


async def test_only_sent_records_are_written() -> None:
    """A replaced state costs nothing."""
    written: list[int] = []

    def count_writes(number: int) -> Callable[[], str]:
        def write() -> str:
            written.append(number)
            return str(number)

        return write

    outbox = Outbox()
    for number in range(1000):
        outbox.put(count_writes(number), "state")
    assert await outbox.take() == "999"
    assert written == [999]


async def test_take_waits_for_a_record() -> None:
    outbox = Outbox()
    taking = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    assert not taking.done()
    outbox.put(writes("a"))
    outbox.put(writes("b"))
    assert await taking == "ab"


async def test_cancelled_take_loses_no_record() -> None:
    """The cancellation arrives together with a new record."""
    outbox = Outbox()
    for _ in range(2):
        taking = asyncio.create_task(outbox.take())
        await asyncio.sleep(0)
        outbox.put(writes("a"), "a")
        taking.cancel()
        with suppress(asyncio.CancelledError):
            await taking
    assert await outbox.take() == "a"


STEPS = st.lists(st.tuples(st.sampled_from(["a", "b", ""]), st.booleans()))


@given(STEPS)
async def test_outbox_sends_the_newest_of_each_key(steps: list[tuple[str, bool]]) -> None:
    outbox, expected = Outbox(), dict[object, str]()
    for number, (key, is_taken) in enumerate(steps):
        text = f"{key}{number} "
        expected.pop(key, None)
        outbox.put(writes(text), key or None)
        expected[key or number] = text
        if is_taken:
            assert await outbox.take() == "".join(expected.values())
            expected.clear()
    assert len(outbox) == len(expected)
