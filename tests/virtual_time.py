"""An event loop with virtual time: its clock jumps to the next timer."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

_Arguments = ParamSpec("_Arguments")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Runs code that waits for timers and for other tasks, but not for threads or sockets."""

    def __init__(self) -> None:
        self._clock = _Clock()
        super().__init__(self._clock)

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._clock.now_s

    def advance(self, by_s: float) -> None:
        """Advance the clock while the loop is busy, so that timers are late."""
        self._clock.now_s += by_s


class _Clock(selectors.DefaultSelector):
    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Advance the clock instead of waiting."""
        if timeout is None:
            raise AssertionError("deadlock: all tasks wait, and no timer is set")
        self.now_s += max(timeout, 0)
        return super().select(0)


def in_virtual_time(
    test: Callable[_Arguments, Coroutine[Any, Any, None]],
) -> Callable[_Arguments, None]:
    """Run an asynchronous test on a new loop with virtual time."""

    @wraps(test)
    def run(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run
