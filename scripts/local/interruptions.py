"""Hold signals that end a program while it starts another program."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a program: Ctrl-C, the platform, a closed terminal."""


@contextmanager
def interruptions_held() -> Iterator[None]:
    """Delay the signals that end this program until the end of the block.

    A child process may run before `Popen` returns. A signal at that moment would leave the child
    running, and this program would have no reference to it.

    Ignored signals stay ignored, here and in the child. For the main thread only: Python runs
    signal handlers there.
    """
    arrived: list[int] = []
    handlers = {number: signal.getsignal(number) for number in ENDING}
    held = {each: handler for each, handler in handlers.items() if handler is not signal.SIG_IGN}
    for number in held:
        signal.signal(number, lambda number, _frame: arrived.append(number))
    try:
        yield
    finally:
        # Block the signals here: the first handler may raise, and the others would stay held.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
        for number, handler in held.items():
            signal.signal(number, handler)
        for each in arrived:
            signal.raise_signal(each)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
