"""The form of log lines."""

import asyncio
import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from scripts.root import ROOT
from shared.telemetry.current_request import (
    CurrentRequest,
    reset_current_request,
    set_current_request,
)
from shared.telemetry.json_lines import JsonFormatter
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.text_lines import TextFormatter, is_colour_wanted

SECRET = "SECRET-message"  # noqa: S105 - one that we made up

PLAIN = TextFormatter(lambda _route: "users", is_coloured=False)
COLOURED = TextFormatter(lambda _route: "users", is_coloured=True)
JSON = JsonFormatter(
    TelemetrySettings(project="p", service="users", revision="users-00007", log_format="json")
)


class Unshowable:
    def __str__(self) -> str:
        raise OwnError(SECRET)

    __repr__ = __str__


class OwnError(Exception):
    pass


def told(tell: Callable[[logging.Logger], Any], formatter: logging.Formatter, name: str) -> str:
    """Return what is written when `tell` logs to a logger of that name."""
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    handler.setFormatter(formatter)
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    before, logger.level = logger.level, logging.DEBUG
    logger.propagate = False  # pytest fails a test that logs what it cannot format
    try:
        tell(logger)
    finally:
        logger.removeHandler(handler)
        logger.level = before
        logger.propagate = True
    return output.getvalue()


def entry(tell: Callable[[logging.Logger], Any], name: str = "tests.lines") -> dict[str, Any]:
    [line] = told(tell, JSON, name).splitlines()
    content: dict[str, Any] = json.loads(line)
    return content


def text(
    tell: Callable[[logging.Logger], Any], formatter: TextFormatter = PLAIN, name: str = "tests.l"
) -> str:
    return told(tell, formatter, name).partition(" ")[2].rstrip("\n")  # without the time


def fail() -> None:
    raise OwnError(SECRET)


def caught() -> OwnError:
    try:
        fail()
    except OwnError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        (5, "DEBUG"),
        (logging.DEBUG, "DEBUG"),
        (logging.INFO, "INFO"),
        (25, "INFO"),
        (logging.WARNING, "WARNING"),
        (logging.ERROR, "ERROR"),
        (logging.CRITICAL, "CRITICAL"),
    ],
)
def test_severities_are_cloud_loggings(level: int, severity: str) -> None:
    record = logging.LogRecord("x", level, "f", 1, "m", None, None)
    assert json.loads(JSON.format(record))["severity"] == severity


def test_own_fields_are_told_but_take_nobodys_place() -> None:
    fields = {"kept": 1, "severity": "EMERGENCY", "message": "other", "time": "never"}
    content = entry(lambda log: log.info("mine", extra={"json_fields": fields}))
    assert (content["kept"], content["severity"], content["message"]) == (1, "INFO", "mine")
    assert content["time"] != "never"


def test_outside_of_requests_no_trace_is_told() -> None:
    content = entry(lambda log: log.info("x"))
    assert not [name for name in content if "trace" in name or "span" in name]


def test_without_a_project_the_trace_is_told_alone() -> None:
    settings = TelemetrySettings.model_construct(project=None, service=None, revision=None)
    token = set_current_request(CurrentRequest("GET", "a" * 32, "b" * 16, None, is_sampled=False))
    try:
        line = told(lambda log: log.info("x"), JsonFormatter(settings), "tests.lines")
    finally:
        reset_current_request(token)
    content = json.loads(line)
    assert content["logging.googleapis.com/trace"] == "a" * 32
    assert "logging.googleapis.com/labels" not in content


def test_an_error_outside_of_requests_is_reported_too() -> None:
    content = entry(lambda log: log.error("broken", exc_info=caught()))
    assert content["@type"].endswith("ReportedErrorEvent")
    assert content["serviceContext"] == {"service": "users", "version": "users-00007"}
    assert content["context"]["reportLocation"]["functionName"] == "fail"
    assert content["context"].keys() == {"reportLocation"}
    assert content["stack_trace"].endswith("test_log_lines.OwnError")
    assert SECRET not in json.dumps(content)


def test_an_error_without_a_traceback_is_reported_where_it_is_told() -> None:
    content = entry(lambda log: log.error("broken", exc_info=OwnError(SECRET)))
    assert content["context"]["reportLocation"]["filePath"] == __file__


def in_an_except_block(tell: Callable[[], None]) -> None:
    try:
        fail()
    except OwnError:
        tell()


LEAKS: dict[str, Callable[[logging.Logger], Any]] = {
    "the error as the message": lambda log: log.error(caught()),
    "the error as an argument": lambda log: log.error("failed: %s", caught()),
    "the error's representation": lambda log: log.error("failed: %r", caught()),
    "the error in a list": lambda log: log.error("failed: %s", [caught()]),
    "the error deep inside": lambda log: log.error("failed: %s and %s", {"a": [caught()]}, 1),
    "the error by its name": lambda log: log.error("failed: %(error)s", {"error": caught()}),
    "with exc_info": lambda log: log.error("failed", exc_info=caught()),
    "as a warning": lambda log: log.warning("failed: %s", caught(), exc_info=caught()),
    "a text with a traceback": lambda log: log.error(
        "Exception on /%s [GET]\nTraceback (most recent call last):\nX: %s", SECRET, SECRET
    ),
}


@pytest.mark.parametrize("tell", LEAKS.values(), ids=LEAKS.keys())
@pytest.mark.parametrize("formatter", [JSON, PLAIN], ids=["json", "text"])
def test_what_an_exception_says_is_not_told(
    tell: Callable[[logging.Logger], Any], formatter: logging.Formatter
) -> None:
    line = told(tell, formatter, "somebody.elses")
    assert line
    assert SECRET not in line


def test_a_traceback_made_a_text_is_reported_as_the_error_that_it_is_about() -> None:
    def tell(log: logging.Logger) -> None:
        in_an_except_block(lambda: log.error("Traceback (most recent call last):\nX: y"))

    content = entry(tell)
    assert content["stack_trace"].endswith("OwnError")
    assert content["context"]["reportLocation"]["functionName"] == "fail"


async def test_what_asyncio_tells_of_tasks_and_calls_has_nothing_of_theirs() -> None:
    async def fails() -> None:
        raise OwnError(SECRET)

    def fails_with(_argument: str) -> None:
        raise OwnError(SECRET)

    async def leave_alone() -> None:
        task = asyncio.create_task(fails())
        asyncio.get_running_loop().call_soon(fails_with, SECRET)
        await asyncio.wait([task])

    loop = asyncio.new_event_loop()
    lines = told(lambda _log: in_thread(loop, leave_alone()), JSON, "asyncio")
    contents = [json.loads(line) for line in lines.splitlines()]
    messages = [content["message"] for content in contents]
    assert messages[-1] == "Task exception was never retrieved"
    assert messages[0].startswith("Exception in callback test_what_asyncio_tells")
    assert all(content["stack_trace"].endswith("OwnError") for content in contents)
    assert SECRET not in lines


def in_thread(loop: asyncio.AbstractEventLoop, work: Any) -> None:
    import gc  # noqa: PLC0415
    import threading  # noqa: PLC0415

    def run() -> None:
        loop.run_until_complete(work)
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    gc.collect()


@pytest.mark.parametrize("fields", [{"x": float("inf")}, {(1, 2): 3}], ids=["inf", "a key"])
def test_fields_that_cannot_be_told_take_no_report_with_them(fields: Any) -> None:
    line = told(
        lambda log: log.error("x", exc_info=caught(), extra={"json_fields": fields}), JSON, "t"
    )
    assert json.loads(line)["stack_trace"].endswith("OwnError")


_ENDS = """
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.logs import set_up_logging
set_up_logging(TelemetrySettings())
words = "SECRET" + "-words"
raise ValueError(words)
"""


def test_an_error_that_ends_the_process_is_a_report_too() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _ENDS], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert json.loads(line)["severity"] == "CRITICAL"
    assert json.loads(line)["stack_trace"].endswith("ValueError")
    assert "SECRET-words" not in line


BROKEN: dict[str, Callable[[logging.Logger], Any]] = {
    "too few arguments": lambda log: log.info("%s and %s", "one"),  # noqa: PLE1206
    "too many": lambda log: log.info("nothing", "one"),  # noqa: PLE1205
    "of the wrong kind": lambda log: log.info("%d", "one"),
    "that cannot be shown": lambda log: log.info("%s", Unshowable()),
    "no text": lambda log: log.info(Unshowable()),
    "no number": lambda log: log.info("x", extra={"json_fields": {"x": float("nan")}}),
    "half a character": lambda log: log.info("\ud800", extra={"json_fields": {"x": "\ud800"}}),
    "of any class": lambda log: log.info("x", extra={"json_fields": {"x": Unshowable()}}),
    "no fields": lambda log: log.info("x", extra={"json_fields": 5}),
}


@pytest.mark.parametrize("tell", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("formatter", [JSON, PLAIN], ids=["json", "text"])
def test_nothing_raises_out_of_a_log_call(
    tell: Callable[[logging.Logger], Any],
    formatter: logging.Formatter,
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = told(tell, formatter, "tests.lines")
    assert len(line.splitlines()) == 1
    assert SECRET not in line
    assert "NaN" not in line  # which is no JSON
    assert not capsys.readouterr().err


def test_a_line_stays_one_line_whatever_is_in_it() -> None:
    assert "\n" not in told(lambda log: log.info("a\nb\r\n"), JSON, "tests.lines").rstrip("\n")
    assert text(lambda log: log.info("a\nb\x1b[31m")) == "INFO    users        a b [31m"


def test_people_see_level_function_message_and_round_trips() -> None:
    fields = {"round_trips": 1}
    assert text(lambda log: log.info("GET /x 200 3 ms", extra={"json_fields": fields})) == (
        "INFO    users        GET /x 200 3 ms, 1 round trip"
    )
    fields = {"round_trips": 2}
    assert text(lambda log: log.warning("GET", extra={"json_fields": fields})).endswith(
        "GET, 2 round trips"
    )
    assert text(lambda log: log.info("x", extra={"json_fields": {"round_trips": 0}})).endswith(" x")


def test_people_see_where_an_error_came_from() -> None:
    first, *others = text(lambda log: log.error("broken", exc_info=caught())).splitlines()
    assert first == "ERROR   users        broken"
    assert others[0] == "Traceback (most recent call last):"
    assert others[-1].endswith("OwnError")


def test_levels_have_colours() -> None:
    assert told(lambda log: log.error("x"), COLOURED, "tests.l").startswith("\x1b[31m")
    assert told(lambda log: log.warning("x"), COLOURED, "tests.l").startswith("\x1b[33m")
    assert told(lambda log: log.debug("x"), COLOURED, "tests.l").startswith("\x1b[90m")
    assert "\x1b" not in told(lambda log: log.info("x"), COLOURED, "tests.l")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "wants"),
    [
        (Terminal(), {}, True),
        (io.StringIO(), {}, False),
        (None, {}, False),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (Terminal(), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_colours_are_for_terminals_unless_somebody_says_otherwise(
    stream: Any, environment: dict[str, str], wants: bool
) -> None:
    assert is_colour_wanted(stream, environment) == wants
