"""Redaction: no text of an exception reaches a log line, and no log call raises."""

import asyncio
import gc
import json
import logging
import threading
from collections.abc import Coroutine

import pytest

from tests.shared.telemetry.log_output import (
    JSON,
    SECRET,
    TEXT,
    LogCall,
    OwnError,
    caught,
    fail,
    json_entry,
    output,
)

LEAKS: dict[str, LogCall] = {
    "error as message": lambda log: log.error(caught()),
    "error as argument": lambda log: log.error("failed: %s", caught()),
    "representation": lambda log: log.error("failed: %r", caught()),
    "error in list": lambda log: log.error("failed: %s", [caught()]),
    "nested error": lambda log: log.error("failed: %s and %s", {"a": [caught()]}, 1),
    "named argument": lambda log: log.error("failed: %(error)s", {"error": caught()}),
    "exc_info": lambda log: log.error("failed", exc_info=caught()),
    "warning": lambda log: log.warning("failed: %s", caught(), exc_info=caught()),
    "traceback in message": lambda log: log.error(
        "Exception on /%s [GET]\nTraceback (most recent call last):\nX: %s", SECRET, SECRET
    ),
}


@pytest.mark.parametrize("log_call", LEAKS.values(), ids=LEAKS.keys())
@pytest.mark.parametrize("formatter", [JSON, TEXT], ids=["json", "text"])
def test_text_of_exception_is_not_logged(log_call: LogCall, formatter: logging.Formatter) -> None:
    line = output(log_call, formatter)
    assert line
    assert SECRET not in line


def test_traceback_in_message_is_reported_as_handled_error() -> None:
    def log_call(log: logging.Logger) -> None:
        try:
            fail()
        except OwnError:
            log.error("Traceback (most recent call last):\nX: y")  # noqa: TRY400 - as libraries do

    entry = json_entry(log_call)
    assert entry["stack_trace"].endswith("OwnError")
    assert entry["context"]["reportLocation"]["functionName"] == "fail"


async def test_asyncio_lines_contain_no_arguments() -> None:
    async def fails() -> None:
        fail()

    def fails_with(_argument: str) -> None:
        fail()

    async def leave_failures() -> None:
        task = asyncio.create_task(fails())
        asyncio.get_running_loop().call_soon(fails_with, SECRET)
        await asyncio.wait([task])

    loop = asyncio.new_event_loop()  # outside of the block, because asyncio logs that too
    lines = output(lambda _log: run_in_thread(loop, leave_failures()), JSON, "asyncio")
    entries = [json.loads(line) for line in lines.splitlines()]
    messages = [entry["message"] for entry in entries]
    assert messages[-1] == "Task exception was never retrieved"
    assert messages[0].startswith("Exception in callback test_asyncio_lines_contain")
    assert all(entry["stack_trace"].endswith("OwnError") for entry in entries)
    assert SECRET not in lines


def run_in_thread(loop: asyncio.AbstractEventLoop, work: Coroutine[object, object, None]) -> None:
    """Run `work` in `loop`, close the loop and delete its tasks."""

    def run() -> None:
        loop.run_until_complete(work)
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    gc.collect()  # asyncio logs an unseen failure when it deletes the task


class Unprintable:
    def __str__(self) -> str:
        raise OwnError(SECRET)

    __repr__ = __str__


BROKEN: dict[str, LogCall] = {
    "too few arguments": lambda log: log.info("%s and %s", "one"),  # noqa: PLE1206 - the test
    "too many arguments": lambda log: log.info("nothing", "one"),  # noqa: PLE1205 - the test
    "wrong type": lambda log: log.info("%d", "one"),
    "unprintable argument": lambda log: log.info("%s", Unprintable()),
    "unprintable message": lambda log: log.info(Unprintable()),
    "not a number": lambda log: log.info("x", extra={"json_fields": {"x": float("nan")}}),
    "half a character": lambda log: log.info("\ud800", extra={"json_fields": {"x": "\ud800"}}),
    "any class": lambda log: log.info("x", extra={"json_fields": {"x": Unprintable()}}),
    "fields of wrong type": lambda log: log.info("x", extra={"json_fields": 5}),
}


@pytest.mark.parametrize("log_call", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("formatter", [JSON, TEXT], ids=["json", "text"])
def test_invalid_log_call_writes_one_line(
    log_call: LogCall, formatter: logging.Formatter, capsys: pytest.CaptureFixture[str]
) -> None:
    line = output(log_call, formatter)
    assert len(line.splitlines()) == 1
    assert SECRET not in line
    assert "NaN" not in line  # JSON does not have it
    assert not capsys.readouterr().err
