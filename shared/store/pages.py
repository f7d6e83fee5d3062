"""Pages of items that are read together: their size limits the memory of a request; pure."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def in_pages(
    items: Iterable[Item],
    size_bytes: Callable[[Item], int],
    *,
    max_bytes: int,
    max_items: int | None = None,
) -> Iterator[list[Item]]:
    """Split `items` into pages of at most `max_bytes` and `max_items`, or one larger item."""
    page: list[Item] = []
    page_bytes = 0
    for item in items:
        item_bytes = size_bytes(item)
        if page and (page_bytes + item_bytes > max_bytes or len(page) == max_items):
            yield page
            page, page_bytes = [], 0
        page.append(item)
        page_bytes += item_bytes
    if page:
        yield page
