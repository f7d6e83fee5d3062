"""The SignalR libraries that connect to the chat in tests."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial

import pytest

from tests.functions.chat.client_interface import Library
from tests.functions.chat.javascript_clients import start_node
from tests.functions.chat.python_clients import SignalRCore

LIBRARIES: Mapping[str, Callable[[], AbstractAsyncContextManager[Library]]] = {
    "signalr-10": partial(start_node, "signalr-10", prefix=""),
    "signalr-8": partial(start_node, "signalr-8", prefix="/v2"),
    "signalrcore": lambda: nullcontext(SignalRCore()),
}
"""By name. The two releases of the official library use one prefix each."""

PARAMETERS = [
    pytest.param(name, marks=[] if name == "signalrcore" else pytest.mark.node)
    for name in LIBRARIES
]
