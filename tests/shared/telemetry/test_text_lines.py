"""Text log lines: columns, round trips, tracebacks and colours."""

import io

import pytest

from shared.telemetry.text_lines import TextFormatter, is_colour_enabled
from tests.shared.telemetry.log_output import TEXT, LogCall, caught, output

COLOURED = TextFormatter(lambda _route: "users", is_coloured=True)


def line(log_call: LogCall) -> str:
    """Return the output of `log_call` without the time."""
    return output(log_call, TEXT).partition(" ")[2].rstrip("\n")


def test_control_characters_become_spaces() -> None:
    assert line(lambda log: log.info("a\nb\x1b[31m")) == "INFO    users        a b [31m"


@pytest.mark.parametrize(
    ("round_trips", "suffix"), [(0, ""), (1, ", 1 round trip"), (2, ", 2 round trips")]
)
def test_line_has_level_function_and_round_trips(round_trips: int, suffix: str) -> None:
    extra = {"json_fields": {"round_trips": round_trips}}
    assert line(lambda log: log.warning("GET /x 200 3 ms", extra=extra)) == (
        f"WARNING users        GET /x 200 3 ms{suffix}"
    )


def test_error_is_followed_by_its_traceback() -> None:
    first, *others = line(lambda log: log.error("broken", exc_info=caught())).splitlines()
    assert first == "ERROR   users        broken"
    assert others[0] == "Traceback (most recent call last):"
    assert others[-1].endswith("OwnError")


def test_level_selects_colour() -> None:
    assert output(lambda log: log.error("x"), COLOURED).startswith("\x1b[31m")
    assert output(lambda log: log.warning("x"), COLOURED).startswith("\x1b[33m")
    assert output(lambda log: log.debug("x"), COLOURED).startswith("\x1b[90m")
    assert "\x1b" not in output(lambda log: log.info("x"), COLOURED)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "is_enabled"),
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
def test_colour_depends_on_terminal_and_environment(
    stream: io.StringIO | None, environment: dict[str, str], is_enabled: bool
) -> None:
    assert is_colour_enabled(stream, environment) == is_enabled
