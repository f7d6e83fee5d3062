"""Function with routes that fail in different ways, for tests of its log."""

import asyncio
import logging
import threading
import warnings
from collections.abc import Callable

from starlette.types import Receive, Scope, Send

from shared.errors import DependencyUnavailable
from shared.schemas.wire import Request
from shared.web.app import build_app
from shared.web.framework_entry import as_function
from shared.web.routes import Route

MESSAGE = "SECRET-message"


class FailRequest(Request):
    how: str


def fail(_argument: str = "") -> None:
    raise ValueError(MESSAGE)


async def fail_later() -> None:
    fail()


def in_a_chain() -> None:
    try:
        fail()
    except ValueError as error:
        raise LookupError(MESSAGE) from error


def in_a_group() -> None:
    try:
        fail()
    except ValueError as error:
        raise ExceptionGroup(MESSAGE, [error]) from None


def in_a_task() -> None:
    asyncio.get_running_loop().create_task(fail_later())


def in_a_call() -> None:
    asyncio.get_running_loop().call_soon(fail, MESSAGE)


def in_a_thread() -> None:
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


def in_a_library() -> None:
    try:
        fail()
    except ValueError as error:
        logging.getLogger("another.library").exception("failed: %s", error)  # noqa: TRY401 - the text must not be logged


def with_a_warning() -> None:
    warnings.warn(f"careful\n{MESSAGE}", stacklevel=1)


def in_an_outage() -> None:
    raise DependencyUnavailable("the database", 5)


FAILURES: dict[str, Callable[[], None]] = {
    failure.__name__: failure
    for failure in (
        fail, in_a_chain, in_a_group, in_a_task, in_a_call, in_a_thread, in_a_library,
        with_a_warning, in_an_outage,
    )
}  # fmt: skip


async def handle(request: FailRequest) -> None:
    FAILURES[request.how]()


_app = build_app([Route("GET", "/fail/{how}", "Fail.", FailRequest, None, handle)])


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Fail outside of our app for some paths."""
    if scope["path"].startswith("/outside/"):
        fail()
    await _app(scope, receive, send)


main = as_function(app)
