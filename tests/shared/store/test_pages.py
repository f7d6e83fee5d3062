"""Pages by bytes and by number."""

from collections.abc import Sequence

import pytest

from shared.store.pages import in_pages


@pytest.mark.parametrize(
    ("sizes", "pages"),
    [
        ([], []),
        ([3, 1, 1, 5, 1], [[3, 1], [1], [5], [1]]),
        ([0, 0, 0, 0], [[0, 0, 0], [0]]),
        ([9, 9], [[9], [9]]),
    ],
    ids=["none", "bytes", "number", "larger than a page"],
)
def test_page_ends_at_its_limits(sizes: Sequence[int], pages: Sequence[Sequence[int]]) -> None:
    assert list(in_pages(sizes, lambda size: size, max_bytes=4, max_items=3)) == pages


def test_page_without_number_limit_ends_by_bytes() -> None:
    assert [len(page) for page in in_pages([1] * 2500, lambda size: size, max_bytes=1000)] == [
        1000,
        1000,
        500,
    ]
