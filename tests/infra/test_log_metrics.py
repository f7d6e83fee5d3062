"""What the metrics of our log lines look for, against the lines that the code writes."""

import json
import logging
import re
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest

from functions.cleanup.cleaner import Cleaner
from functions.cleanup.main import purges
from functions.cleanup.settings import CleanupSettings
from shared.planner import conversation, model, plans, tool_arguments
from shared.store.cleanup_runs import CleanupRuns
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.telemetry.json_lines import JsonFormatter
from shared.telemetry.settings import TelemetrySettings
from tests.infra.log_filter import entry_of, finds
from tests.infra.made import Made, Resource

_CLEANER = "functions.cleanup.cleaner"


async def twice(_now: datetime) -> AsyncGenerator[int, None]:
    """Delete two documents, and two more."""
    yield 2
    yield 2


async def once(_now: datetime) -> AsyncGenerator[int, None]:
    """Delete two documents."""
    yield 2


def metric(made: Made, name: str) -> Resource:
    """Return a metric."""
    return made.one("logging_metric", name=f"liftlog/{name}")


async def lines_of(cleaner: Cleaner, caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the lines of a run, as Google Cloud receives them."""
    caplog.set_level("INFO", _CLEANER)
    await cleaner.clean(f"test-{uuid4()}", datetime.now(UTC))
    formatter = JsonFormatter(TelemetrySettings())
    records = [each for each in caplog.records if each.name == _CLEANER]
    return [json.loads(formatter.format(each)) for each in records]


@pytest.mark.parametrize("is_complete", [True, False], ids=["complete", "out of time"])
async def test_metric_counts_a_run_when_it_is_complete(
    prod: Made, database: Database, caplog: pytest.LogCaptureFixture, *, is_complete: bool
) -> None:
    cleaner = Cleaner({"work": twice}, CleanupRuns(database), 60 if is_complete else 0)
    [line] = await lines_of(cleaner, caplog)
    filter_ = metric(prod, "cleanup_runs")["filter"]
    assert finds(filter_, entry_of(line)) is is_complete


async def test_metric_adds_up_all_deletions_of_a_run(
    prod: Made, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    work = {"events": once, "inbox": once}
    cleaner = Cleaner(work, CleanupRuns(database), 60)
    [line] = await lines_of(cleaner, caplog)
    assert finds(metric(prod, "deleted_in_all")["filter"], entry_of(line))
    [field] = re.findall(
        r"EXTRACT\(jsonPayload\.(\w+)\)", metric(prod, "deleted_in_all")["value_extractor"]
    )
    assert line[field] == 4


def said(logger: str, level: int, **fields: object) -> dict[str, Any]:
    """Return the entry that becomes of a line with these fields."""
    record = logging.LogRecord(logger, level, "x.py", 1, "words", None, None)
    record.json_fields = fields
    return entry_of(json.loads(JsonFormatter(TelemetrySettings()).format(record)))


def test_every_call_of_the_model_is_a_reply_or_a_failure(prod: Made) -> None:
    replies, failures = (
        metric(prod, f"model_{each}")["filter"] for each in ("replies", "failures")
    )
    reply = said(model.__name__, logging.INFO, prompt_tokens=7, completion_tokens=0)
    assert (finds(replies, reply), finds(failures, reply)) == (True, False)
    for level in (logging.WARNING, logging.ERROR):
        failure = said(model.__name__, level)
        assert (finds(replies, failure), finds(failures, failure)) == (False, True)
        stranger = said("shared.planner", level)
        assert not finds(failures, stranger)


@pytest.mark.parametrize(
    "module", [tool_arguments, plans, conversation], ids=lambda module: module.__name__
)
def test_a_reply_that_is_of_no_use_is_a_failure(prod: Made, module: ModuleType) -> None:
    failures = metric(prod, "model_failures")["filter"]
    assert finds(failures, said(module.__name__, logging.WARNING))
    assert not finds(failures, said(module.__name__, logging.INFO))


@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens"])
def test_the_tokens_of_every_reply_are_added_up(prod: Made, name: str) -> None:
    counted = metric(prod, name)
    assert counted["filter"] == metric(prod, "model_replies")["filter"]
    assert counted["value_extractor"] == f"EXTRACT(jsonPayload.{name})"


@pytest.mark.parametrize("kind", purges(Database(DatabaseSettings()), CleanupSettings()))
def test_documents_that_belong_to_nobody_are_told_of_when_there_is_one(
    prod: Made, kind: str
) -> None:
    [filter_] = [
        each["filter"]
        for policy in prod.of("monitoring_alert_policy")
        for each in policy.block("conditions")["condition_matched_log"]
    ]
    is_orphan = "orphan" in kind
    assert finds(filter_, said(_CLEANER, logging.INFO, deleted={kind: 1})) is is_orphan
    assert not finds(filter_, said(_CLEANER, logging.INFO, deleted={kind: 0}))
    assert not finds(filter_, said("functions.cleanup", logging.INFO, deleted={kind: 1}))
