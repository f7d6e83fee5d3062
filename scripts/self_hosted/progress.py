"""The progress of long work, on standard error: standard output may be the file of an export."""

import sys
import time
from collections.abc import Callable
from typing import Self, TextIO

_PAUSE_ON_TERMINAL_S, _PAUSE_S = 0.2, 10
_ERASE_LINE = "\r\033[K"


class Progress:
    """Shows texts during the block: in place on a terminal, else as a line every ten seconds.

    Args:
        stream: the output; standard error by default.
        clock: the current time in seconds.
    """

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._is_terminal = self._stream.isatty()
        self._pause_s = _PAUSE_ON_TERMINAL_S if self._is_terminal else _PAUSE_S
        self._started_s = self._shown_s = clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_terminal:
            self._write(_ERASE_LINE)

    @property
    def passed_s(self) -> float:
        """The time since the start."""
        return self._clock() - self._started_s

    def show(self, text: Callable[[], str]) -> None:
        """Show `text()`, unless the last text is too new."""
        now = self._clock()
        if now - self._shown_s < self._pause_s:
            return
        self._shown_s = now
        self._write(f"{_ERASE_LINE}{text()}" if self._is_terminal else f"{text()}\n")

    def show_count(self, verb: str, count: int, unit: str) -> None:
        """Show a count and its rate, for example "exported 1,000 documents (500 per second)"."""
        self.show(lambda: f"{verb} {count:,} {unit} ({self.rate(count):,.0f} per second)")

    def rate(self, count: int) -> float:
        """Return `count` per second since the start."""
        return count / max(self.passed_s, 0.001)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def megabytes(size_bytes: int) -> str:
    """Return a size as a text."""
    return f"{size_bytes / 1024**2:,.1f} MiB"
