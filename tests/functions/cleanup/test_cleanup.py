"""The cleanup as it is deployed, with a database of its own. Pub/Sub pushes its messages."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from scripts.benchmarks.sample_documents import SampleDocuments
from tests.functions.cleanup.service import Service
from tests.functions.test_general import assert_problem

MESSAGE = {"message": {"messageId": "17", "publishTime": "2026-01-01T00:00:00.5Z"}}


async def cluttered(service: Service, count: int) -> SampleDocuments:
    clutter = SampleDocuments(service.database, datetime.now(UTC))
    async for _ in clutter.write_expiring(count):
        pass
    return clutter


async def test_message_deletes_expired_documents_and_no_others(service: Service) -> None:
    clutter = await cluttered(service, 100)
    run = await service.run()
    assert run.deleted == dict.fromkeys(
        ("events", "inbox", "shared_items", "verifications", "rate_limits"), 10
    )
    assert (run.unfinished, run.failed) == ((), ())
    assert await clutter.remaining() == clutter.kept
    assert await service.answers(1) == [200]


async def test_two_deliveries_at_once_both_succeed_in_one_run(service: Service) -> None:
    service.copies = 2
    clutter = await cluttered(service, 400)
    run_id = (await service.run()).id
    assert await service.answers(2) == [200, 200]
    [run] = await service.runs.newest(2)
    assert run.id == run_id
    assert run.deleted.total() == 200
    assert await clutter.remaining() == clutter.kept


async def test_two_runs_at_once_delete_each_document_once(service: Service) -> None:
    clutter = await cluttered(service, 400)
    runs = await asyncio.gather(service.run(), service.run())
    assert await service.answers(2) == [200, 200]
    assert sum(run.deleted.total() for run in runs) == 200
    assert await clutter.remaining() == clutter.kept


async def test_message_does_nothing_when_its_run_has_ended(
    service: Service, http: httpx.AsyncClient
) -> None:
    answer = await http.post(service.address, json=MESSAGE)
    assert (answer.status_code, answer.content) == (200, b"")
    clutter = await cluttered(service, 10)
    before = await clutter.remaining()
    again = await http.post(service.address, json=MESSAGE)
    assert (again.status_code, again.content) == (200, b"")
    [run] = await service.runs.newest(2)
    assert (run.id, run.deleted) == ("20260101T000000-17", {})
    assert await clutter.remaining() == before


async def test_message_of_a_part_is_taken_as_one_of_its_run(
    service: Service, http: httpx.AsyncClient
) -> None:
    """The release before this one published such messages; they may arrive after the release."""
    attributes = {"run": "a", "part": "2"}
    message = {"message": {**MESSAGE["message"], "attributes": attributes}}
    assert (await http.post(service.address, json=message)).status_code == 200
    [run] = await service.runs.newest(2)
    assert run.id == "a"


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        MESSAGE["message"],
        {"message": {**MESSAGE["message"], "messageId": "../../users/17"}},
        {"message": {**MESSAGE["message"], "messageId": "__17__"}},
        {"message": {**MESSAGE["message"], "publishTime": "yesterday"}},
        {"message": {**MESSAGE["message"], "attributes": {"run": "a/b"}}},
    ],
    ids=[
        "no message", "a list", "not in its envelope",
        "an id that is a path", "an id of Firestore's", "no time",
        "a run that is a path",
    ],
)  # fmt: skip
async def test_invalid_message_is_rejected(
    http: httpx.AsyncClient, service: Service, body: Any
) -> None:
    answer = await http.post(service.address, json=body)
    assert_problem(answer, 400)
    assert await service.runs.newest(1) == []


async def test_body_that_is_not_json_is_rejected(http: httpx.AsyncClient, service: Service) -> None:
    answer = await http.post(service.address, content=b"{")
    assert_problem(answer, 400)
