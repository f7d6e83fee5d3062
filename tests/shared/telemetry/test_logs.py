"""Set-up of logging: levels of loggers, and the exception that ends a process."""

import json
import logging
import subprocess
import sys

import pytest

from scripts.root import ROOT
from shared.telemetry.logs import set_levels

_FAILING_PROGRAM = """
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.logs import set_up_logging
set_up_logging(TelemetrySettings())
words = "SECRET" + "-words"
raise ValueError(words)
"""


@pytest.mark.parametrize("library", ["httpx2", "openai", "openai._base_client", "google.auth"])
def test_libraries_with_secrets_log_warnings_only(library: str) -> None:
    set_levels()
    assert not logging.getLogger(library).isEnabledFor(logging.INFO)
    assert logging.getLogger(library).isEnabledFor(logging.WARNING)


def test_own_info_lines_are_enabled() -> None:
    set_levels()
    assert logging.getLogger("shared.planner.model").isEnabledFor(logging.INFO)


def test_exception_that_ends_the_process_is_reported() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _FAILING_PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert json.loads(line)["severity"] == "CRITICAL"
    assert json.loads(line)["stack_trace"].endswith("ValueError")
    assert "SECRET-words" not in line
