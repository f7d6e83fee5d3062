"""The SignalR libraries of others that talk to the chat in tests."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial

from tests.functions.chat.javascript_clients import started
from tests.functions.chat.python_clients import SignalRCore
from tests.functions.chat.scenario import Library

LIBRARIES: Mapping[str, Callable[[], AbstractAsyncContextManager[Library]]] = {
    "signalr-10": partial(started, "signalr-10", prefix=""),
    "signalr-8": partial(started, "signalr-8", prefix="/v2"),
    "signalrcore": lambda: nullcontext(SignalRCore()),
}
"""By name; the official one is tried with either prefix."""
