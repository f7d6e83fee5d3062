"""Signals that end a program, while it starts another one."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends a program: Ctrl-C, the platform, a terminal that was closed."""


@contextmanager
def interruptions_held() -> Iterator[None]:
    """Let the signals that end this program wait for the end of the block.

    A program may run before the call that starts it has returned. A signal at that moment would
    leave it running, and nobody would know of it to end it.

    What is ignored stays ignored, here and in what is started. Only for the main thread: no other
    one can be interrupted.
    """
    arrived: list[int] = []
    handlers = {number: signal.getsignal(number) for number in ENDING}
    held = {each: handler for each, handler in handlers.items() if handler is not signal.SIG_IGN}
    for number in held:
        signal.signal(number, lambda number, _frame: arrived.append(number))
    try:
        yield
    finally:
        # Blocked meanwhile, or the first of them would leave the others held.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
        for number, handler in held.items():
            signal.signal(number, handler)
        for each in arrived:
            signal.raise_signal(each)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
