"""What the metrics of our log lines look for, against the lines that the code writes."""

import json
import re
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from functions.cleanup.cleaner import Cleaner
from shared.planner import model
from shared.settings import TelemetrySettings, TopicSettings
from shared.store.cleanup_runs import CleanupRuns, Part
from shared.store.client import Database
from shared.telemetry.json_lines import JsonFormatter
from shared.topic import Topic
from tests.infra.made import Made, Resource

_CLEANER = "functions.cleanup.cleaner"


class Nowhere(Topic):
    """A topic whose messages nobody gets."""

    async def publish(self, attributes: Mapping[str, str]) -> None:
        """Forget a message."""


async def endless(_now: datetime) -> AsyncGenerator[int, None]:
    """Delete two documents at a time, for ever."""
    while True:
        yield 2


async def once(_now: datetime) -> AsyncGenerator[int, None]:
    """Delete two documents."""
    yield 2


def metric(made: Made, name: str) -> Resource:
    """Return a metric."""
    return made.one("logging_metric", name=f"liftlog/{name}")


async def lines_of(
    cleaner: Cleaner, caplog: pytest.LogCaptureFixture, number: int = 1
) -> list[dict[str, Any]]:
    """Return the lines that a part of a run writes, as Google Cloud gets them."""
    caplog.set_level("INFO", _CLEANER)
    await cleaner.clean(Part(f"test-{uuid4()}", number), datetime.now(UTC))
    formatter = JsonFormatter(TelemetrySettings())
    records = [each for each in caplog.records if each.name == _CLEANER]
    return [json.loads(formatter.format(each)) for each in records]


@pytest.mark.parametrize("is_over", [True, False], ids=["over", "with more to do"])
async def test_a_run_counts_as_one_when_it_is_over(
    prod: Made, database: Database, caplog: pytest.LogCaptureFixture, *, is_over: bool
) -> None:
    work = {"work": once if is_over else endless}
    cleaner = Cleaner(work, CleanupRuns(database), Nowhere(TopicSettings()), 5 if is_over else 0.01)
    [line] = await lines_of(cleaner, caplog)
    filter_ = metric(prod, "cleanup_runs")["filter"]
    assert f'jsonPayload.logger="{line["logger"]}"' in filter_
    assert filter_.endswith(" AND jsonPayload.completes_run=true")
    assert line["completes_run"] is is_over


async def test_all_that_a_part_deletes_is_added_up(
    prod: Made, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    work = {"events": once, "inbox": once}
    cleaner = Cleaner(work, CleanupRuns(database), Nowhere(TopicSettings()), 5)
    [line] = await lines_of(cleaner, caplog)
    [field] = re.findall(
        r"EXTRACT\(jsonPayload\.(\w+)\)", metric(prod, "deleted_in_all")["value_extractor"]
    )
    assert line[field] == 4


def test_whatever_the_model_does_wrong_is_a_warning_of_that_logger(prod: Made) -> None:
    filter_ = metric(prod, "model_failures")["filter"]
    assert f'jsonPayload.logger="{model.__name__}"' in filter_
    assert "severity>=WARNING" in filter_
