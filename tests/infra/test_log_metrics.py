"""Log-based metrics, compared with the lines that the code writes."""

import json
import logging
import re
from collections.abc import AsyncGenerator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from uuid import uuid4

import pytest

from functions.cleanup.cleaner import Cleaner
from functions.cleanup.main import purges
from functions.cleanup.settings import CleanupSettings
from shared.backups.backups import Backups
from shared.backups.folder import Folder
from shared.backups.retention import Retention
from shared.errors import DependencyUnavailable
from shared.planner import conversation, model, plans, tool_arguments
from shared.store.cleanup_runs import CleanupRuns
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.telemetry.json_lines import JsonFormatter
from shared.telemetry.settings import TelemetrySettings
from tests.infra.log_filter import Entry, log_entry, matches
from tests.infra.state import Resource, State

_CLEANER = "functions.cleanup.cleaner"


async def delete_two_pages(_now: datetime) -> AsyncGenerator[int, None]:
    """Yield two pages of two documents."""
    yield 2
    yield 2


async def delete_one_page(_now: datetime) -> AsyncGenerator[int, None]:
    """Yield one page of two documents."""
    yield 2


def metric(state: State, name: str) -> Resource:
    """Return a log-based metric."""
    return state.one("logging_metric", name=f"liftlog/{name}")


async def lines_of(cleaner: Cleaner, caplog: pytest.LogCaptureFixture) -> list[Entry]:
    """Return the log lines of a run in the format of Google Cloud."""
    caplog.set_level("INFO", _CLEANER)
    await cleaner.clean(f"test-{uuid4()}", datetime.now(UTC))
    formatter = JsonFormatter(TelemetrySettings())
    records = [each for each in caplog.records if each.name == _CLEANER]
    return [json.loads(formatter.format(each)) for each in records]


@pytest.mark.parametrize("is_complete", [True, False], ids=["complete", "out of time"])
async def test_metric_counts_only_complete_runs(
    prod: State, database: Database, caplog: pytest.LogCaptureFixture, *, is_complete: bool
) -> None:
    cleaner = Cleaner({"work": delete_two_pages}, CleanupRuns(database), 60 if is_complete else 0)
    [line] = await lines_of(cleaner, caplog)
    filter_ = metric(prod, "cleanup_runs")["filter"]
    assert matches(filter_, log_entry(line)) is is_complete


async def test_metric_adds_up_all_deletions_of_a_run(
    prod: State, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    work = {"events": delete_one_page, "inbox": delete_one_page}
    cleaner = Cleaner(work, CleanupRuns(database), 60)
    [line] = await lines_of(cleaner, caplog)
    assert matches(metric(prod, "deleted_in_all")["filter"], log_entry(line))
    [field] = re.findall(
        r"EXTRACT\(jsonPayload\.(\w+)\)", metric(prod, "deleted_in_all")["value_extractor"]
    )
    assert line[field] == 4


def make_entry(logger: str, level: int, **fields: object) -> Entry:
    """Return the log entry of a line with these fields."""
    record = logging.LogRecord(logger, level, "x.py", 1, "text", None, None)
    record.json_fields = fields
    return log_entry(json.loads(JsonFormatter(TelemetrySettings()).format(record)))


def test_model_request_counts_as_reply_or_failure(prod: State) -> None:
    replies, failures = (
        metric(prod, f"model_{each}")["filter"] for each in ("replies", "failures")
    )
    reply = make_entry(model.__name__, logging.INFO, prompt_tokens=7, completion_tokens=0)
    assert (matches(replies, reply), matches(failures, reply)) == (True, False)
    for level in (logging.WARNING, logging.ERROR):
        failure = make_entry(model.__name__, level)
        assert (matches(replies, failure), matches(failures, failure)) == (False, True)
        other_logger = make_entry("shared.planner", level)
        assert not matches(failures, other_logger)


@pytest.mark.parametrize(
    "module", [tool_arguments, plans, conversation], ids=lambda module: module.__name__
)
def test_unusable_model_response_is_a_failure(prod: State, module: ModuleType) -> None:
    failures = metric(prod, "model_failures")["filter"]
    assert matches(failures, make_entry(module.__name__, logging.WARNING))
    assert not matches(failures, make_entry(module.__name__, logging.INFO))


@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens"])
def test_metric_adds_up_the_tokens_of_all_replies(prod: State, name: str) -> None:
    counted = metric(prod, name)
    assert counted["filter"] == metric(prod, "model_replies")["filter"]
    assert counted["value_extractor"] == f"EXTRACT(jsonPayload.{name})"


async def upload() -> AsyncGenerator[bytes, None]:
    """Yield a backup of one piece."""
    yield b"backup"


@pytest.mark.parametrize("is_available", [True, False], ids=["available", "unavailable"])
async def test_metric_counts_failed_backups(
    prod: State, tmp_path: Path, caplog: pytest.LogCaptureFixture, *, is_available: bool
) -> None:
    caplog.set_level("INFO", "shared.backups")
    folder = tmp_path / "backups"
    if not is_available:
        folder.write_text("a file in place of the folder")
    backups = Backups(Folder(folder, None), Retention(30, 90, 10**9, 1000))
    with nullcontext() if is_available else pytest.raises(DependencyUnavailable):
        await backups.store("alice", upload(), None, datetime.now(UTC))
    formatter = JsonFormatter(TelemetrySettings())
    lines = [log_entry(json.loads(formatter.format(each))) for each in caplog.records]
    counted = [line for line in lines if matches(metric(prod, "backup_failures")["filter"], line)]
    assert len(counted) == (0 if is_available else 1)


@pytest.mark.parametrize("kind", purges(Database(DatabaseSettings()), CleanupSettings()))
def test_orphan_alert_matches_only_deleted_orphans(prod: State, kind: str) -> None:
    [filter_] = [
        each["filter"]
        for policy in prod.of("monitoring_alert_policy")
        for each in policy.block("conditions")["condition_matched_log"]
    ]
    is_orphan = "orphan" in kind
    assert matches(filter_, make_entry(_CLEANER, logging.INFO, deleted={kind: 1})) is is_orphan
    assert not matches(filter_, make_entry(_CLEANER, logging.INFO, deleted={kind: 0}))
    assert not matches(filter_, make_entry("functions.cleanup", logging.INFO, deleted={kind: 1}))
