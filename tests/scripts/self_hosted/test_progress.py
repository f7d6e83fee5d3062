"""The progress of long work."""

import io

import pytest

from scripts.self_hosted.progress import Progress, megabytes


class Terminal(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "shown"),
    [
        (io.StringIO(), "e\ng\n"),
        (Terminal(), "\r\033[Kb\r\033[Kd\r\033[Kf\r\033[Kg\r\033[K"),
    ],
    ids=["file", "terminal"],
)
def test_texts_are_shown_with_pauses(stream: io.StringIO, shown: str) -> None:
    clock = iter([0, 0.1, 0.3, 0.4, 9.9, 10.0, 15, 21])
    with Progress(stream, lambda: next(clock)) as progress:
        for text in "abcdefg":
            progress.show(lambda text=text: text)  # type: ignore[misc]
    assert stream.getvalue() == shown


def test_count_has_a_rate() -> None:
    stream = io.StringIO()
    now = 0.0
    with Progress(stream, lambda: now) as progress:
        now = 20.0
        progress.show_count("exported", 30_000, "documents")
        assert progress.passed_s == 20
    assert stream.getvalue() == "exported 30,000 documents (1,500 per second)\n"


def test_size_is_in_mebibytes() -> None:
    assert megabytes(1536 * 1024 * 1024) == "1,536.0 MiB"
